import assert from "node:assert/strict";
import { test } from "node:test";

import { native } from "./native.mjs";
import "../globals/url.js";

const PARTS = ["href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash"];

function outcome(Class, args, change = () => {}) {
  try {
    const url = new Class(...args);
    change(url);
    return Object.fromEntries([...PARTS.map((part) => [part, url[part]]), ["params", [...url.searchParams]]]);
  } catch {
    return "refused";
  }
}

const URLS = [
  ["https://example.com"],
  ["HTTPS://Example.COM:443/A/./b/../c?x=1#y"],
  ["http://example.com:8080/%7Ea b?ä=ö&q='\"#ü <>`"],
  ["http://user:pa%20ss@example.com/"],
  ["http://us er:p:w@example.com/"],
  ["http://user@@example.com/"],
  ["  https://example.com/a\tb\n "],
  ["https:example.com/a"],
  ["https:/example.com/a"],
  ["https:///example.com/a"],
  ["https:\\\\example.com\\a\\b"],
  ["http://192.168.1"],
  ["http://0x7f.1/"],
  ["http://010.1.2.3/"],
  ["http://256.1.1.1/"],
  ["http://1.2.3.4.5/"],
  ["http://4294967296/"],
  ["http://09.1.1.1/"],
  ["http://[::1]:80/"],
  ["http://[fe80::1]/"],
  ["http://[::1/"],
  ["http://exa mple.com/"],
  ["http://exa%20mple.com/"],
  ["http://ex%61mple.com/"],
  ["http://example.com:65536/"],
  ["http://example.com:/"],
  ["http://example.com:0080/"],
  ["http://:80/"],
  ["http://"],
  ["http://example.com/a%2e%2E/b/%2e/c/.."],
  ["http://example.com//a//b/"],
  ["http://example.com/a/../../.."],
  ["http://example.com?x"],
  ["http://example.com#x"],
  ["http://example.com/?"],
  ["http://example.com/#"],
  ["http://example.com/😀?😀#😀"],
  ["http://example.com/|{}[]"],
  ["wss://example.com:443/a"],
  ["mailto:a@example.com"],
  ["data:text/plain,hello?x#y"],
  ["nothing"],
  [""],
  ["//example.com/a", "https://other.example/b"],
  ["/a?b#c", "https://example.com/x/y?z#w"],
  ["a/../b", "https://example.com/x/y?z#w"],
  ["", "https://example.com/x/y?z#w"],
  ["?q", "https://example.com/x/y?z#w"],
  ["#h", "https://example.com/x/y?z#w"],
  ["https:a", "https://example.com/x/y"],
  ["http:a", "https://example.com/x/y"],
  ["\\a\\b", "https://example.com/x/y"],
  ["../../..", "https://example.com/x/y/z"],
  ["a", "mailto:b"],
  ["a", "nothing"],
];

for (const args of URLS) {
  test(`URL of ${JSON.stringify(args)}`, () => {
    assert.deepEqual(outcome(URL, args), outcome(native.URL, args));
  });
}

const CHANGES = {
  "a longer path": (url) => (url.pathname = "x/../y z?#"),
  "a query": (url) => (url.search = "?a=ä b#"),
  "no query": (url) => (url.search = ""),
  "a hash": (url) => (url.hash = "a b"),
  "a host": (url) => (url.host = "Other.example:8443/x"),
  "a wrong host": (url) => (url.host = "a b"),
  "a host name": (url) => (url.hostname = "other.example"),
  "a port": (url) => (url.port = "81"),
  "the default port": (url) => (url.port = "443"),
  "a scheme": (url) => (url.protocol = "http"),
  "an unknown scheme": (url) => (url.protocol = "mailto"),
  "a user": (url) => ((url.username = "a b"), (url.password = "c/d")),
  "another URL": (url) => (url.href = "http://b.example/?x=1"),
  parameters: (url) => (url.searchParams.append("k", "v w"), url.searchParams.set("b", "2"), url.searchParams.delete("none")),
  "parameters after a query": (url) => (url.searchParams.get("b"), (url.search = "?n=1"), url.searchParams.append("m", "2")),
  "no parameters": (url) => url.searchParams.delete("b"),
};

for (const [name, change] of Object.entries(CHANGES)) {
  test(`a URL is given ${name}`, () => {
    const args = ["https://example.com:8080/a?b=1#c"];
    assert.deepEqual(outcome(URL, args, change), outcome(native.URL, args, change));
  });
}

const QUERIES = ["", "?a=1&b=2", "a", "a=&=b&&c", "a=1+2%203&%C3%A4=%ff", "a=%zz&b=%e4%f6x", "x=😀", { a: 1, b: "ä" }, [["a", "1"], ["a", "2"]]];

for (const query of QUERIES) {
  test(`parameters of ${JSON.stringify(query)}`, () => {
    const [ours, theirs] = [new URLSearchParams(query), new native.URLSearchParams(query)];
    assert.deepEqual([...ours], [...theirs]);
    assert.equal(`${ours}`, `${theirs}`);
  });
}

test("parameters are changed as the standard says", () => {
  const run = (Class) => {
    const params = new Class("b=1&a=2&b=3&c=!'()*~-._");
    params.set("b", "4");
    params.append("d", "x y&z=ä");
    params.sort();
    params.delete("a", "no");
    return [`${params}`, params.has("a", "2"), params.has("a", "3"), params.getAll("b"), params.get("none"), params.size, [...params.keys()]];
  };
  assert.deepEqual(run(URLSearchParams), run(native.URLSearchParams));
});

test("URL.canParse and URL.parse", () => {
  assert.equal(URL.canParse("https://example.com"), true);
  assert.equal(URL.canParse("nothing"), false);
  assert.equal(URL.parse("nothing"), null);
  assert.equal(JSON.stringify(URL.parse("https://example.com")), '"https://example.com/"');
});
