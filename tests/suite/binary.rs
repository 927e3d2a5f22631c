//! The real program with real clients and a real origin.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rimward_geoip::build as mmdb;
use rimward_tests::{Authority, Binary, Client, Files, Origin, fill, tools, within};

fn site(origin: &dyn std::fmt::Display) -> String {
    let text = r#"
        [admin]
        address = "unix:{admin}"
        [log]
        access = false
        [[listen]]
        address = "127.0.0.1:0"
        [origin.app]
        servers = ["{origin}"]
        [[site]]
        hosts = ["*"]
        origin = "app"
    "#;
    fill(text, &[("origin", origin)])
}

/// Answers every request with `body`.
fn answering(body: &str) -> String {
    let text = r#"
        [admin]
        address = "unix:{admin}"
        [log]
        access = false
        [[listen]]
        address = "127.0.0.1:0"
        [[site]]
        hosts = ["*"]
        filters = [{ use = "respond", body = "{body}" }]
    "#;
    fill(text, &[("body", &body)])
}

/// Puts the admin interface into the test's own folder.
fn in_folder(files: &Files, text: &str) -> String {
    fill(text, &[("admin", &files.path("admin.sock").display())])
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn check_tells_five_mistakes_at_once() {
    let files = Files::new();
    let file = files.write(
        "pop.toml",
        r#"[[listen]]
address = "127.0.0.1:http"

[origin.app]
servers = ["127.0.0.1:80"]
balance = "round-robin"

[[site]]
hots = ["example.com"]
origin = "ap"

[[site.route]]
path = "/x"
filters = [{ use = "redirect", to = "/y", status = 200 }, { use = "headrs" }]
"#,
    );
    let output = Binary::command(&["check", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    for (place, what) in [
        ("pop.toml:2:", "127.0.0.1:http"),
        ("pop.toml:6:", "round_robin"),
        ("pop.toml:9:", "hosts"),
        ("pop.toml:10:", "app"),
    ] {
        assert!(
            said.contains(place) && said.contains(what),
            "{place} {what} in:\n{said}"
        );
    }
    assert!(said.contains('^'), "no caret in:\n{said}");
}

#[test]
fn check_tells_mistakes_in_filters_too() {
    let files = Files::new();
    let file = files.write(
        "pop.toml",
        "[[site]]\nhosts = [\"*\"]\nfilters = [\n  { use = \"redirect\", to = \"/y\", status = 200 },\n  { use = \"headrs\" },\n]\n[[listen]]\naddress = \"127.0.0.1:0\"\n",
    );
    let output = Binary::command(&["check", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(
        said.contains("pop.toml:4:") && said.contains("301, 302, 303, 307 or 308"),
        "{said}"
    );
    assert!(
        said.contains("pop.toml:5:") && said.contains("headers"),
        "{said}"
    );
}

#[test]
fn check_is_content_with_a_file_that_is_right() {
    let files = Files::new();
    let file = files.write("pop.toml", in_folder(&files, &answering("ok")));
    let output = Binary::command(&["check", file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(
        text(&output.stdout).contains("1 sites"),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn explain_tells_where_a_request_would_go_and_sends_nothing() {
    let files = Files::new();
    let config = in_folder(&files, &site(&"127.0.0.1:1"));
    let config = config.replace("origin = \"app\"", "origin = \"app\"\ncompress = [\"br\"]");
    let file = files.write("pop.toml", config);
    let arguments = [
        "explain",
        "GET",
        "https://shop.example.com/a",
        "-H",
        "accept-language: de",
        "--from",
        "203.0.113.7",
    ];
    let output = Binary::command(&[&arguments[..], &["--config", file.to_str().unwrap()]].concat());
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    for word in [
        "site",
        "route",
        "origin",
        "app",
        "cache",
        "slices of 1MiB",
        "compress",
        "br: text/*",
        "203.0.113.7",
        "heuristic, or not stored",
        "for plain hits",
        "rimward-cache-control, cdn-cache-control (passed on), surrogate-control",
        "the origin can't be reached: 60 s",
    ] {
        assert!(said.contains(word), "no `{word}` in:\n{said}");
    }
}

#[test]
fn filters_and_schema_come_from_the_code() {
    let filters = text(&Binary::command(&["filters"]).stdout);
    let schema: serde_json::Value =
        serde_json::from_slice(&Binary::command(&["schema"]).stdout).unwrap();
    for kind in rimward_filters::builtin::all() {
        for line in [kind.name, kind.summary]
            .into_iter()
            .chain(kind.example.lines())
        {
            assert!(filters.contains(line), "{}: `{line}` is missing", kind.name);
        }
    }
    for key in ["listen", "origin", "site", "filter", "cache", "admin"] {
        assert!(schema["properties"][key].is_object(), "{key} is missing");
    }
}

#[test]
fn help_and_completions_are_there() {
    let help = text(&Binary::command(&["--help"]).stdout);
    for command in [
        "run",
        "check",
        "explain",
        "filters",
        "schema",
        "reload",
        "purge",
        "cache",
        "import",
        "sign",
        "completions",
    ] {
        assert!(help.contains(command), "no `{command}` in:\n{help}");
    }
    assert!(text(&Binary::command(&["completions", "bash"]).stdout).contains("rimward"));
}

#[test]
fn a_service_of_serverless_is_imported() {
    let files = Files::new();
    let service = "
service: shop
functions:
  auth:
    handler: src/auth.handler
    events:
      - cloudFront: { eventType: viewer-request, origin: 'https://app.example.com' }
";
    let (service, config) = (
        files.write("serverless.yml", service),
        files.path("pop.toml"),
    );
    let (from, to) = (service.to_str().unwrap(), config.to_str().unwrap());
    let output = Binary::command(&["import", from, "-o", to]);
    let told = text(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert!(
        told.contains(&format!("{from}:4: there is no file `src/auth.js`")),
        "{told}"
    );
    let written = std::fs::read_to_string(&config).unwrap();
    for line in [
        "servers = [\"https://app.example.com\"]",
        "lambda_edge = \"src/auth.js\"",
    ] {
        assert!(written.contains(line), "no `{line}` in:\n{written}");
    }
    let output = Binary::command(&["check", to]);
    assert!(text(&output.stderr).contains("src/auth.js` can't be read"));
    let handler = "exports.handler = async (event) => event.Records[0].cf.request;";
    files.write("src/auth.js", handler);
    let output = Binary::command(&["check", to]);
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn programs_of_serverless_are_not_imported() {
    let output = Binary::command(&["import", "serverless.ts"]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("serverless print"));
}

#[tokio::test]
async fn a_wrong_file_does_not_start() {
    let files = Files::new();
    let file = files.write("pop.toml", "[[site]]\nhots = []\n");
    let output = Binary::command(&["run", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("hosts"),
        "{}",
        text(&output.stderr)
    );
}

#[tokio::test]
async fn it_reloads_on_sighup_on_change_and_when_asked() {
    let files = Files::new();
    let config = |body: &str| in_folder(&files, &answering(body));
    let mut binary = Binary::run(&files, &config("one")).await;
    assert_eq!(binary.get("/").await.text(), "one");

    files.replace("pop.toml", config("two"));
    binary.hang_up();
    binary.says("configuration reloaded").await;
    assert_eq!(binary.get("/").await.text(), "two");

    files.replace("pop.toml", config("three"));
    becomes(&binary, "three").await;

    let file = files.path("pop.toml");
    let reload = ["reload", "--config", file.to_str().unwrap()];
    files.write("pop.toml", config("four"));
    let output = Binary::command(&reload);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(binary.get("/").await.text(), "four");

    files.write("pop.toml", config("five").replace("hosts", "hots"));
    let output = Binary::command(&reload);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("hosts"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(binary.get("/").await.text(), "four");
}

/// A database that has this machine in a country.
fn home(country: &str) -> Vec<u8> {
    mmdb::file("Test-Country", [("127.0.0.0/8", mmdb::country(country))])
}

#[tokio::test]
async fn a_database_is_swapped_when_it_changes_and_kept_when_it_is_broken() {
    let files = Files::new();
    files.write("countries.mmdb", home("DE"));
    let config = answering("x").replace("body = \"x\"", "template = \"{country}\"")
        + "\n[geoip]\ndatabase = \"countries.mmdb\"\n";
    let mut binary = Binary::run(&files, &in_folder(&files, &config)).await;
    assert_eq!(binary.get("/").await.text(), "DE");
    files.write("countries.mmdb", &home("FR")[..100]);
    binary
        .says("the database that was read before goes on")
        .await;
    assert_eq!(binary.get("/").await.text(), "DE");
    files.replace("countries.mmdb", home("FR"));
    becomes(&binary, "FR").await;
}

#[tokio::test]
async fn it_follows_the_symbolic_links_of_a_config_map() {
    let files = Files::new();
    files.write("..1/pop.toml", in_folder(&files, &answering("one")));
    files.relink("..data", "..1");
    files.relink("pop.toml", "..data/pop.toml");
    let binary = Binary::run_file(files.path("pop.toml"), 1).await;
    assert_eq!(binary.get("/").await.text(), "one");
    files.write("..2/pop.toml", in_folder(&files, &answering("two")));
    files.relink("..data", "..2");
    becomes(&binary, "two").await;
}

#[tokio::test]
async fn sigterm_lets_requests_end() {
    let files = Files::new();
    let origin = Origin::start().await;
    let binary = Binary::run(&files, &in_folder(&files, &site(&origin))).await;
    let gate = origin.hold("/a", "", "whole");
    let mut client = Client::connect(binary.address()).await;
    client.send("GET /a HTTP/1.1\r\nhost: x\r\n\r\n").await;
    gate.reached().await;
    binary.terminate();
    gate.open();
    assert_eq!(client.read("GET").await.unwrap().text(), "whole");
    let (status, said) = binary.exit().await;
    assert!(status.success(), "{said}");
}

#[tokio::test]
async fn purge_is_a_command() {
    let files = Files::new();
    let origin = Origin::start().await;
    origin.always("/a", "cache-control: max-age=60", "v1");
    let binary = Binary::run(&files, &in_folder(&files, &site(&origin))).await;
    binary.get("/a").await;
    assert_eq!(binary.get("/a").await, rimward_tests::hit("v1"));
    let file = files.path("pop.toml");
    let output = Binary::command(&[
        "purge",
        "http://example.com/a",
        "--config",
        file.to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(binary.get("/a").await, rimward_tests::miss("v1"));
}

#[tokio::test]
async fn curl_gets_the_same_page_over_http1_http2_and_tls() {
    let Some(curl) = tools::need("curl") else {
        return;
    };
    let authority = Authority::new();
    let files = Files::new();
    let pem = authority.issue(&["localhost"]);
    files.write("cert.pem", format!("{}{}", pem.chain, pem.key));
    let ca = files.write("ca.pem", authority.pem());
    let tls = "[[listen]]\naddress = \"127.0.0.1:0\"\ntls = { certificates = [\"cert.pem\"] }\n";
    let binary = Binary::run(
        &files,
        &format!("{}\n{tls}", in_folder(&files, &answering("page"))),
    )
    .await;
    let [plain, secure] = binary.addresses() else {
        panic!("two listeners")
    };
    let plain = format!("http://localhost:{}/", plain.port());
    let secure = format!("https://localhost:{}/", secure.port());
    let ca = ca.to_str().unwrap();
    for (arguments, version) in [
        (vec!["--http1.1", &plain], "1.1"),
        (vec!["--http2-prior-knowledge", &plain], "2"),
        (vec!["--http1.1", "--cacert", ca, &secure], "1.1"),
        (vec!["--http2", "--cacert", ca, &secure], "2"),
    ] {
        let common = [
            "--silent",
            "--show-error",
            "--max-time",
            "20",
            "-4",
            "--write-out",
            " %{http_code} %{http_version}",
        ];
        let output = tools::run(&curl, &[&common[..], &arguments].concat());
        assert_eq!(
            text(&output.stdout),
            format!("page 200 {version}"),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
    }
}

#[tokio::test]
async fn openssl_is_shown_the_certificate_and_tls_1_3() {
    let Some(openssl) = tools::need("openssl") else {
        return;
    };
    let authority = Authority::new();
    let files = Files::new();
    let pem = authority.issue(&["localhost"]);
    files.write("cert.pem", format!("{}{}", pem.chain, pem.key));
    let ca = files.write("ca.pem", authority.pem());
    let config = in_folder(&files, &answering("page")).replace(
        "address = \"127.0.0.1:0\"",
        "address = \"127.0.0.1:0\"\ntls = { certificates = [\"cert.pem\"] }",
    );
    let binary = Binary::run(&files, &config).await;
    let address = binary.address().to_string();
    let connect = [
        "s_client",
        "-connect",
        &address,
        "-servername",
        "localhost",
        "-verify_return_error",
        "-CAfile",
        ca.to_str().unwrap(),
    ];
    for (version, accepted) in [("-tls1_3", true), ("-tls1_2", true), ("-tls1_1", false)] {
        let output = tools::run(&openssl, &[&connect[..], &[version]].concat());
        assert_eq!(
            output.status.success(),
            accepted,
            "{version}: {}",
            text(&output.stderr)
        );
    }
}

/// nginx with a page and an endpoint that says how it was asked, until it is dropped.
struct Nginx {
    process: Child,
    address: String,
}

impl Nginx {
    async fn start(program: &PathBuf, files: &Files) -> Self {
        // nginx can't be told to choose a port itself: one that was free a moment ago has to do.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        files.write("html/page.txt", "from nginx");
        let config = r#"
            daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;
            events { worker_connections 64; }
            http {
                access_log off;
                client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
                uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
                server {
                    listen {address};
                    root {folder}/html;
                    location /page.txt { add_header Cache-Control "max-age=60"; }
                    location /uncached { return 200 "$request_method $host"; }
                }
            }
        "#;
        let config = fill(
            config,
            &[("folder", &files.folder().display()), ("address", &address)],
        );
        let file = files.write("nginx.conf", config);
        let process = Command::new(program)
            .args([
                "-e",
                "stderr",
                "-p",
                files.folder().to_str().unwrap(),
                "-c",
                file.to_str().unwrap(),
            ])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let listening = async { while tokio::net::TcpStream::connect(&address).await.is_err() {} };
        within("nginx to listen", listening).await;
        Self { process, address }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[tokio::test]
async fn nginx_is_an_origin() {
    let Some(program) = tools::need("nginx") else {
        return;
    };
    let files = Files::new();
    let nginx = Nginx::start(&program, &files).await;
    let binary = Binary::run(&files, &in_folder(&files, &site(&nginx.address))).await;
    assert_eq!(
        binary.get("/page.txt").await,
        rimward_tests::miss("from nginx")
    );
    let second = binary.get("/page.txt").await;
    assert_eq!(second, rimward_tests::hit("from nginx"));
    let etag = second.header("etag").unwrap();
    let mut client = Client::connect(binary.address()).await;
    assert_eq!(
        client
            .request(&format!("GET /page.txt\nif-none-match: {etag}"))
            .await
            .status,
        304
    );
    let part = client.request("GET /page.txt\nrange: bytes=5-9").await;
    assert_eq!((part.status, part.text()), (206, "nginx"));
    assert_eq!(
        client
            .request("GET /uncached\nhost: shop.example")
            .await
            .text(),
        "GET shop.example"
    );
    assert_eq!(client.get("/none").await.status, 404);
}

/// Asks until the answer has changed: a reload by file change happens when the file system says so.
async fn becomes(binary: &Binary, body: &str) {
    let changed = async { while binary.get("/").await.text() != body {} };
    within(&format!("the answer to become {body}"), changed).await;
}
