//! The words that tell what a client is, all looked for at once.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use http::HeaderMap;
use http::header::USER_AGENT;

use super::System;

/// What a word in `User-Agent` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
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
pub(super) struct Words {
    counts: [u8; 9],
}

impl Words {
    /// More bytes than that no browser sends.
    const LONGEST: usize = 1024;

    pub(super) fn of(fields: &HeaderMap) -> Self {
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

    pub(super) fn has(self, sign: Sign) -> bool {
        match sign {
            Sign::Bot => self.count(Sign::Bot) > self.count(Sign::NoBot),
            Sign::Tablet => self.count(Sign::Tablet) > self.count(Sign::NoTablet),
            sign => self.count(sign) > 0,
        }
    }

    pub(super) fn is_bot(self) -> bool {
        self.has(Sign::Bot)
    }

    pub(super) fn system(self) -> System {
        match () {
            () if self.has(Sign::WindowsPhone) => System::Other,
            () if self.has(Sign::Ios) => System::Ios,
            () if self.has(Sign::Android) => System::Android,
            () => System::Other,
        }
    }
}
