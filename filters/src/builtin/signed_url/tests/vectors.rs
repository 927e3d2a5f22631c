//! What was signed by `openssl dgst -sha1 -sign key.pem` and the like, as the manual of CloudFront has it, with keys that are
//! gone.

/// Until 1800000600: `https://example.com/private/a.jpg?size=large`.
pub(super) struct Vector {
    pub(super) key: &'static str,
    pub(super) hash: &'static str,
    pub(super) canned: &'static str,
    pub(super) custom: &'static str,
}

/// The policy that `custom` is the signature of: until 1800000600 and not before 1799999000, for `203.0.113.0/24` and
/// `http*://example.com/private/*`.
pub(super) const POLICY: &str = "eyJTdGF0ZW1lbnQiOlt7IlJlc291cmNlIjoiaHR0cCo6Ly9leGFtcGxlLmNvbS9wcml2YXRlLyoiLCJDb25kaXRpb24iOnsiRGF0ZUxlc3NUaGFuIjp7IkFXUzpFcG9jaFRpbWUiOjE4MDAwMDA2MDB9LCJEYXRlR3JlYXRlclRoYW4iOnsiQVdTOkVwb2NoVGltZSI6MTc5OTk5OTAwMH0sIklwQWRkcmVzcyI6eyJBV1M6U291cmNlSXAiOiIyMDMuMC4xMTMuMC8yNCJ9fX1dfQ__";

pub(super) const VECTORS: [Vector; 4] = [
    Vector {
        key: "RSA",
        hash: "",
        canned: "fDUOr3ePL1rXRGu-yB3bCBo77Hn2n6CL-WTx6WIRofz95qKNbd-FCDhfiOwVj5igo~wyAA1krOXOs0nZpyQtINw1abRhoExKskQmclXYNWOo6N3zi57ZGVBIsJytfEPVBw1wdpA3G9tlLlWf-iNvzVFhw4IM8nduLhyeCxw2av4BEC~b7OthmKFVipVQ8bT6xelYbpC8EJ8z0o2c~lnfGUfyEfwx7XvpbnAd6HrLj~pbEdf8pH2OAyWEihnDgR49VhZUEltaPb~FATSAb023x4HRbFTCtekyBqHlsbfseTHUoU5pGcc59ts-CHel9CQUnu0qAt0U9zXwofeGfbMLZA__",
        custom: "QaLgh5J0HyARvOid9l-v~0OrlIaGBHPnrFyXElSAGEfiJ6uCsFoQLeEDjAIDv8Qgr5uPp36rFdXV0-bM7yPIuKD1mDOCTUrQb3K7nZyiRe~7L-47mnlTgjm6vsFEoT~0fzCAua~jW-fiZPV7mQWnwlQrbOJd7jlr1nWIBXI-7hqYh3O0d46JKi2K9jp1QYqmysrGfT4NvqrwEc7SKkxTaf2aci64KSDtxZu~Qk89BT34XEOK4Cfw0~K8yGzgB6o15~mqMpwU9Hj8vLrTIoA3Cp5uHhyBUSrJsVwCIckYVKJAlIUVMHh-7AReubRUIF63GXircahTIykMwPBSI-NCag__",
    },
    Vector {
        key: "RSA",
        hash: "SHA256",
        canned: "b1xzXwoKI~9Yw2aFlJzhCIq2IEZ7faH7UB2iFIvNyhVoocKd1EmKbR2X1MXyXrgbEDYlH7blWhoMi9-DRc8x~ptElKgCQFwmBPN2NQJkzLuOgXJfIJHfqPCWKnlI78VZY3Q6fl8bQj~rWp1im1q3kLphLDk79Uxsf98TnCZlCUdrJn3H2JFuWgD4XojLKn3cCMQfOTEzc4JEfAvD7em1P65IsFQAYfroANeqY2sEPnlMBaEXGceiSLcfQvkedNYGOkNga786BMTlHU6iugvXfXeSg4vxeEQ1zQo-f029IoUwOcU8XAWoAVbsXgTrobUUfgZYc8lIHUWvEbftB7MI7A__",
        custom: "Xfg9wXJqB-IbvVVx33OtGT~~fg4kACUQQn8hnS5ju6k45Ulh3o6EDs5y5Z96420OGhk8yzzGww~VVInY6zRylCJamHNO1X9v8FqER-hp4Qwk~ipx11j7FtJaQz3VLIT~9E65oToYCv94sYJCe-RNYb1GxP2-XahuvPBwOZgU9sh7owjlGVoBCtv7zlLmo~0iF7CSfo5aJ4sgaWTW8y1zQtty3qBrk~MotPFucZWdA6PIHpZvXm4MO7uVfzPc7crKhtEUQS2fne7rF24tF4Y8fAfKim2YMNVXQ8F8f2KuPdOtApzxnMF01TSHW8YTLYpQSMzGJ682WHI737TFH~SUmA__",
    },
    Vector {
        key: "EC",
        hash: "SHA1",
        canned: "MEQCIH2BMR1HqhQ0BIH0Lz4sLlRkPCykA~ldHH4C67XQ~tLeAiBNQCY76CB4F7IpZKjCmcj9PlcFAkGO~F7AQHxV-gqnGA__",
        custom: "MEYCIQCen2HiQ1ZoiCyR9TnIl~uoSvEmWvXlfNwr3YyCrAXtOAIhAJKbcWHj7nryaAG2dgAUoPz9AejkJJ9gAnbiXdTy6kAD",
    },
    Vector {
        key: "EC",
        hash: "SHA256",
        canned: "MEYCIQDrbsxPIga6Qhxpr6rZGrlPoqMLeMABXPJbKOO9jzz5CwIhALzoyp8D-kbsRK2O7Z~DhQczi7KIoQWlelnRicssCQMJ",
        custom: "MEQCIGGzZZgy2aar1bngAD4Q80XJZnbStyWYNRocvW78cADMAiAOn-7MFLuXhV~KCBEiLvhsODXAYgfa~n4uaFyAaivVZg__",
    },
];

/// A policy without a resource, and its signature by `RSA`.
pub(super) const ANYWHERE: (&str, &str) = (
    "eyJTdGF0ZW1lbnQiOlt7IkNvbmRpdGlvbiI6eyJEYXRlTGVzc1RoYW4iOnsiQVdTOkVwb2NoVGltZSI6MTgwMDAwMDYwMH19fV19",
    "f2A~PEFiu26Aua74aPMKVYl2Wa49CRUDtckdfqbgQ7gJuEgM-nu~-OlTbPRhU0VtIUZisgeZ6~nkraMyhP1yog8szg5EZut-lqSkeCmOaLkMBxDgtQGUKQuZ-vi0TJ71oasIn1lM5qvPkns~JAsDFCBZIv8cx5XRauCLoPXllEOTTU-fCsTvslOV7VKRl3LjuVcTXgVL7kxIrJdoZowNg3UN07~Hy0f1JUp9hclM39ymXbpuZ~0quUHCqggBSkffH3FZlFVZIi-ab4wXHamPj4cza25eXcweAUKLpj4lMGVs8ssC0-KawnNlKPLy6c88cnrL--~vjyHkF-UyxA02uw__",
);

pub(super) const RSA: &str = "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAtt1FITtL869xrFoZeJCB\n4Hdum9pKvsIlFznfLg1mDBste+FMGLq8HL1Hwia5r/wFn566dg49E/tbIElEA9Dl\nHfUNfzZj4k2sTC0IebJlonPKeEb1XSuzxFBtvtV0fURznL2az8VwlKhMerftq++S\nQP8wJmORcaKx6/7/J9AiHLG6HtwEJk2KnTJPnsViWfZgcMrU9XTCScmuUHT9JV/b\nr+CJO34OPr8wdLQvennjqh/iNfjts+BpvvoLXg2q2MPsENGx74DJX6D3/0EEsBKp\nOMH1WtyYxloOx0IoWeT3agDz09Bv7FWqRCuPT+bpTTlH8Jkl2C04qv014mW/hA7t\n/wIDAQAB\n-----END PUBLIC KEY-----\n";

pub(super) const EC: &str = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE9Bq8nDplEuSAjgk/aYABlhJyN3XM\nKXtxd5nSY+C7XLpPyndau4gvmlKjMTYkz1VeaXJORA0DXAAWKooH8kFsuw==\n-----END PUBLIC KEY-----\n";

pub(super) const SMALL: &str = "-----BEGIN PUBLIC KEY-----\nMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCwx4h1r1na2GZxgwUQjSCPY9Lx\nTZ0py7qYLgzYxCy/s4FtW/Ib6ufSUEfA3QfLYZtd2dtbJ4TniW5cP259vCZ1uWC3\nLvRx1BK8t4NdHVJMvciRu2bpODb2MSBTnbb6uypFwAZulSUVqPReOksX6Ln8JWtk\nb81h9vH7c1tJ5y/bLQIDAQAB\n-----END PUBLIC KEY-----\n";

pub(super) const P384: &str = "-----BEGIN PUBLIC KEY-----\nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEzfKh4dXLtbzrMHMO4UzHH8fLDZXIXdJB\neZtdI3g9Q+sGwr1Eve88ETXWjyJHO67CblvI29h0eZxVHqI/nyMojfr9jIC/NOd7\nI31oYCcssKpGB8rnguKntm5hszNbHeDe\n-----END PUBLIC KEY-----\n";
