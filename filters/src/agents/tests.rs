//! What real clients send.

use http::header::USER_AGENT;
use http::{HeaderName, HeaderValue};

use super::*;
use Device::{Desktop, Mobile, Tablet, Tv};

fn agent(user_agent: &str, hints: &[(&'static str, &str)]) -> Agent {
    let mut fields = HeaderMap::new();
    fields.insert(USER_AGENT, HeaderValue::from_str(user_agent).unwrap());
    for (name, value) in hints {
        fields.insert(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    Agent::of(&fields)
}

#[test]
fn browsers_are_told_by_their_user_agent() {
    for (device, system, user_agent) in [
        (
            Desktop,
            System::Other,
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
        ),
        (
            Desktop,
            System::Other,
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
        ),
        (
            Desktop,
            System::Other,
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
        ),
        (
            Desktop,
            System::Other,
            "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
        ),
        (
            Desktop,
            System::Other,
            "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
        ),
        (
            Desktop,
            System::Other,
            "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; Trident/4.0; Tablet PC 2.0)",
        ),
        (
            Mobile,
            System::Ios,
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
        ),
        (
            Mobile,
            System::Ios,
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1",
        ),
        (
            Tablet,
            System::Ios,
            "Mozilla/5.0 (iPad; CPU OS 12_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1 Mobile/15E148 Safari/604.1",
        ),
        (
            Mobile,
            System::Android,
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
        ),
        (
            Mobile,
            System::Android,
            "Mozilla/5.0 (Android 14; Mobile; rv:133.0) Gecko/133.0 Firefox/133.0",
        ),
        (
            Mobile,
            System::Android,
            "Mozilla/5.0 (Linux; Android 9; CUBOT_X18_Plus) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/91.0.4472.120 Mobile Safari/537.36",
        ),
        (
            Mobile,
            System::Android,
            "Mozilla/5.0 (Linux; Android 13; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/23.0 Chrome/115.0.0.0 Mobile Safari/537.36",
        ),
        (
            Mobile,
            System::Other,
            "Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 950) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/52.0.2743.116 Mobile Safari/537.36 Edge/15.15063",
        ),
        (
            Mobile,
            System::Other,
            "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119 Version/11.10",
        ),
        (
            Mobile,
            System::Other,
            "Mozilla/5.0 (Mobile; Nokia_8110_4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5",
        ),
        (
            Tablet,
            System::Android,
            "Mozilla/5.0 (Linux; Android 12; SM-X906C Build/QP1A.190711.020) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/80.0.3987.119 Safari/537.36",
        ),
        (
            Tablet,
            System::Android,
            "Mozilla/5.0 (Android 13; Tablet; rv:133.0) Gecko/133.0 Firefox/133.0",
        ),
        (
            Tablet,
            System::Android,
            "Mozilla/5.0 (Linux; Android 9; KFMAWI) AppleWebKit/537.36 (KHTML, like Gecko) Silk/108.4.6 like Chrome/108.0.5359.160 Safari/537.36",
        ),
        (
            Tv,
            System::Other,
            "Mozilla/5.0 (SMART-TV; Linux; Tizen 5.0) AppleWebKit/538.1 (KHTML, like Gecko) Version/5.0 NativeTVAds Safari/538.1",
        ),
        (
            Tv,
            System::Other,
            "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/79.0.3945.79 Safari/537.36 WebAppManager",
        ),
        (
            Tv,
            System::Android,
            "Mozilla/5.0 (Linux; Android 7.1.2; AFTMM Build/NS6265; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/70.0.3538.110 Mobile Safari/537.36",
        ),
        (
            Tv,
            System::Android,
            "Mozilla/5.0 (Linux; Android 9; BRAVIA 4K UR2 Build/PTT1.190515.001.S52) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/84.0.4147.125 Safari/537.36",
        ),
        (Tv, System::Other, "Roku/DVP-12.0 (12.0.0.4182-88)"),
        (
            Tv,
            System::Other,
            "Mozilla/5.0 (PlayStation; PlayStation 5/2.26) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0 Safari/605.1.15",
        ),
    ] {
        let expected = Agent {
            device,
            system,
            is_bot: false,
        };
        assert_eq!(agent(user_agent, &[]), expected, "{user_agent}");
    }
}

#[test]
fn programs_are_bots_on_what_they_pretend_to_be() {
    for (device, user_agent) in [
        (
            Desktop,
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        ),
        (
            Mobile,
            "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.6778.69 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        ),
        (
            Desktop,
            "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
        ),
        (
            Desktop,
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
        ),
        (
            Desktop,
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
        ),
        (
            Desktop,
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot",
        ),
        (
            Desktop,
            "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
        ),
        (
            Desktop,
            "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        ),
        (Desktop, "curl/8.11.0"),
        (Desktop, "Wget/1.24.5"),
        (Desktop, "python-requests/2.32.3"),
        (Desktop, "Go-http-client/2.0"),
        (
            Desktop,
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36",
        ),
        (
            Desktop,
            "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
        ),
        (Desktop, ""),
    ] {
        let agent = agent(user_agent, &[]);
        assert_eq!((agent.device, agent.is_bot), (device, true), "{user_agent}");
    }
    assert!(is_bot(&HeaderMap::new()));
}

#[test]
fn client_hints_are_believed() {
    const LINUX: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
    const PHONE: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36";
    for (device, user_agent, mobile, platform, forms) in [
        (Desktop, LINUX, "?0", "\"Linux\"", ""),
        (Mobile, LINUX, "?1", "\"Android\"", ""),
        (Tablet, LINUX, "?0", "\"Android\"", ""),
        (Tablet, LINUX, "?0", "\"Linux\"", "\"Desktop\", \"Tablet\""),
        (Mobile, LINUX, "", "", "\"Mobile\""),
        (Tablet, PHONE, "?0", "\"Android\"", ""),
        (Mobile, PHONE, "nonsense", "\"", "Tablet"),
    ] {
        let hints = [
            ("sec-ch-ua-mobile", mobile),
            ("sec-ch-ua-platform", platform),
            ("sec-ch-ua-form-factors", forms),
        ];
        assert_eq!(
            agent(user_agent, &hints).device,
            device,
            "{user_agent} {hints:?}"
        );
    }
}
