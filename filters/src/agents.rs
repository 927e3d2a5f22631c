//! What a client says it is: what kind of device, and whether a program without a person in front of it.
//!
//! One pass over `User-Agent` looks for all words at once. Programs tell many lies there; who wants to be sure who a bot is
//! has to ask its operator's addresses.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use http::HeaderMap;
use http::header::USER_AGENT;

/// What a client says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agent {
    /// What it is shown on.
    pub(crate) device: Device,
    /// Whether it is a program that nobody sits in front of: crawlers, monitors, scripts.
    pub(crate) is_bot: bool,
    /// Whose system it has.
    pub(crate) system: System,
}

/// What a response is shown on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Device {
    Desktop,
    Mobile,
    Tablet,
    Tv,
}

/// The systems that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    Android,
    Ios,
    Other,
}

impl Agent {
    /// What the sender of these fields is. Client hints are believed where there are any.
    pub(crate) fn of(fields: &HeaderMap) -> Self {
        let words = Words::of(fields);
        Self {
            device: device(words, &Hints::of(fields)),
            is_bot: words.is_bot(),
            system: words.system(),
        }
    }
}

/// Whether the sender of these fields is a program that nobody sits in front of.
pub(crate) fn is_bot(fields: &HeaderMap) -> bool {
    Words::of(fields).is_bot()
}

fn device(words: Words, hints: &Hints) -> Device {
    let is_tablet = hints.is_tablet || words.has(Sign::Tablet);
    match hints.is_mobile {
        _ if words.has(Sign::Tv) => Device::Tv,
        _ if is_tablet => Device::Tablet,
        Some(true) => Device::Mobile,
        None if words.has(Sign::Mobile) => Device::Mobile,
        // Phones with Android say `Mobile`; what doesn't is larger.
        _ if hints.is_android || words.has(Sign::Android) => Device::Tablet,
        _ => Device::Desktop,
    }
}

/// What a word in `User-Agent` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Bot,
    Tv,
    Tablet,
    Mobile,
    Android,
    Ios,
    /// Windows on phones, which calls itself all other systems as well.
    WindowsPhone,
    /// A name with `bot` in it that is none.
    NoBot,
    /// A name with `tablet` in it that is none.
    NoTablet,
}

/// Words in lower case and what they tell.
const WORDS: &[(Sign, &[&str])] = &[
    (
        Sign::Bot,
        &[
            "bot",
            "crawl",
            "spider",
            "slurp",
            "scrap",
            "archiver",
            "monitor",
            "validator",
            "scanner",
            "fetcher",
            "mediapartners",
            "google-inspectiontool",
            "googleother",
            "google-read-aloud",
            "google-site-verification",
            "apis-google",
            "facebookexternalhit",
            "facebookcatalog",
            "meta-externalagent",
            "whatsapp/",
            "embedly",
            "link preview",
            "uripreview",
            "bingpreview",
            "outbrain",
            "vkshare",
            "feedly",
            "ia_archive",
            "heritrix",
            "httrack",
            "chatgpt-user",
            "claude-user",
            "claude-web",
            "anthropic-ai",
            "perplexity",
            "cohere-ai",
            "mistralai-user",
            "curl/",
            "wget/",
            "python",
            "aiohttp",
            "httpx/",
            "go-http-client",
            "java/",
            "libwww",
            "apache-httpclient",
            "axios/",
            "node-fetch",
            "undici",
            "guzzle",
            "headless",
            "phantomjs",
            "selenium",
            "lighthouse",
            "pagespeed",
            "gtmetrix",
            "pingdom",
            "statuscake",
            "site24x7",
            "newrelic",
            "datadog",
            "nagios",
            "check_http",
            "prometheus",
            "blackbox",
            "postmanruntime",
            "insomnia/",
            "zgrab",
            "masscan",
            "nuclei",
            "ruby",
            "perl/",
            "winhttp",
            "httpie",
            "wrk/",
            "siege/",
        ],
    ),
    (
        Sign::Tv,
        &[
            "smart-tv",
            "smarttv",
            "googletv",
            "google tv",
            "appletv",
            "apple tv",
            "android tv",
            "hbbtv",
            "netcast",
            "web0s",
            "webos.tv",
            "tv safari",
            "roku",
            "; aft",
            "bravia",
            "viera",
            "crkey",
            "nettv",
            "mitv",
            "dtv",
            "playstation",
            "xbox",
            "nintendo",
        ],
    ),
    (
        Sign::Tablet,
        &["ipad", "tablet", "kindle", "silk/", "playbook"],
    ),
    (
        Sign::Mobile,
        &[
            "mobi",
            "iphone",
            "ipod",
            "windows phone",
            "iemobile",
            "opera mini",
            "blackberry",
            "bb10",
            "symbian",
            "kaios",
            "midp",
            "series40",
        ],
    ),
    (Sign::Android, &["android"]),
    (Sign::Ios, &["iphone", "ipad", "ipod"]),
    (Sign::WindowsPhone, &["windows phone"]),
    (Sign::NoBot, &["cubot"]),
    (Sign::NoTablet, &["tablet pc"]),
];

/// All words in one automaton, and what each tells.
struct Dictionary {
    automaton: Option<AhoCorasick>,
    signs: Vec<Sign>,
}

static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(|| {
    let words = WORDS
        .iter()
        .flat_map(|(sign, words)| words.iter().map(move |word| (*sign, *word)));
    let (signs, words): (Vec<_>, Vec<_>) = words.unzip();
    let automaton = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .build(words);
    Dictionary {
        automaton: automaton.ok(),
        signs,
    }
});

/// Makes ready for the first request.
pub(crate) fn prepare() {
    LazyLock::force(&DICTIONARY);
}

/// How often each sign is in a `User-Agent`.
#[derive(Debug, Clone, Copy, Default)]
struct Words {
    counts: [u8; 9],
}

impl Words {
    /// More bytes than that no browser sends.
    const LONGEST: usize = 1024;

    fn of(fields: &HeaderMap) -> Self {
        let mut words = Self::default();
        let text = fields
            .get(USER_AGENT)
            .map_or(&b""[..], |value| value.as_bytes());
        if text.is_empty() {
            // Every browser sends one.
            words.add(Sign::Bot);
        }
        let text = text.get(..Self::LONGEST).unwrap_or(text);
        let dictionary = &*DICTIONARY;
        let found = dictionary
            .automaton
            .iter()
            .flat_map(|automaton| automaton.find_overlapping_iter(text));
        for word in found {
            if let Some(sign) = dictionary.signs.get(word.pattern().as_usize()) {
                words.add(*sign);
            }
        }
        words
    }

    fn add(&mut self, sign: Sign) {
        if let Some(count) = self.counts.get_mut(sign as usize) {
            *count = count.saturating_add(1);
        }
    }

    fn count(self, sign: Sign) -> u8 {
        self.counts.get(sign as usize).copied().unwrap_or(0)
    }

    fn has(self, sign: Sign) -> bool {
        match sign {
            Sign::Bot => self.count(Sign::Bot) > self.count(Sign::NoBot),
            Sign::Tablet => self.count(Sign::Tablet) > self.count(Sign::NoTablet),
            sign => self.count(sign) > 0,
        }
    }

    fn is_bot(self) -> bool {
        self.has(Sign::Bot)
    }

    fn system(self) -> System {
        match () {
            () if self.has(Sign::WindowsPhone) => System::Other,
            () if self.has(Sign::Ios) => System::Ios,
            () if self.has(Sign::Android) => System::Android,
            () => System::Other,
        }
    }
}

/// What client hints tell (User-Agent Client Hints, section 3).
#[derive(Debug, Default)]
struct Hints {
    is_mobile: Option<bool>,
    is_tablet: bool,
    is_android: bool,
}

impl Hints {
    fn of(fields: &HeaderMap) -> Self {
        let value = |name| {
            fields
                .get(name)
                .map(|value: &http::HeaderValue| value.as_bytes().trim_ascii())
        };
        let form_factors = value("sec-ch-ua-form-factors");
        let is_form = |form: &[u8]| {
            let mut forms = form_factors
                .into_iter()
                .flat_map(|list| list.split(|byte| *byte == b','));
            forms.any(|one| one.trim_ascii() == form)
        };
        let is_mobile = match value("sec-ch-ua-mobile") {
            _ if is_form(b"\"Mobile\"") => Some(true),
            Some(b"?1") => Some(true),
            Some(b"?0") => Some(false),
            _ => None,
        };
        Self {
            is_mobile,
            is_tablet: is_form(b"\"Tablet\""),
            is_android: value("sec-ch-ua-platform") == Some(b"\"Android\""),
        }
    }
}

#[cfg(test)]
mod tests;
