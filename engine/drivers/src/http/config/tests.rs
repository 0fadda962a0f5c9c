use super::*;

fn service(url: &str) -> HttpSettings {
    HttpSettings { url: Some(url.to_owned()), ..HttpSettings::default() }
}

fn told(settings: &HttpSettings) -> String {
    settings.check().unwrap_err().to_string()
}

#[test]
fn a_service_is_an_address_with_a_prefix() {
    let url = |text: &str| service(text).check().unwrap().url().unwrap();
    assert_eq!(url("http://Host:8080"), "http://host:8080");
    assert_eq!(url("https://host:443/api/v1/"), "https://host/api/v1");
    assert_eq!(url("http://[::1]:8080/"), "http://[::1]:8080");
    let nothing = HttpSettings::default().check().unwrap();
    assert_eq!((nothing.url(), nothing.version(), nothing.connections()), (None, "HTTP/1.1", None));
    assert_eq!(nothing.timeout(), Duration::from_secs(30));
    let settings = HttpSettings { http2: Some(true), connections: Some("4".into()), ..service("http://h") };
    let config = settings.check().unwrap();
    assert_eq!((config.version(), config.connections()), ("HTTP/2", Some(4)));
}

#[test]
fn everything_wrong_is_told_at_once() {
    let settings = HttpSettings {
        connections: Some("many".into()),
        ca_file: Some("ca.pem".into()),
        insecure: Some(true),
        headers: vec![
            ("x y".into(), "hush".into()),
            ("host".into(), "hush".into()),
            ("a".into(), "hush\n".into()),
        ],
        timeout: Some("0s".into()),
        ..service("http://h:9000/api?key=1")
    };
    let told = told(&settings);
    assert_eq!(
        told.lines().collect::<Vec<_>>(),
        [
            "url: it has a query; write `http://h:9000/api`, and the rest behind each path",
            "connections: HTTP/1.1 has a connection for each request on its way; leave it out, or write `http2: true`",
            "connections: `many` is no number of connections; give a number from 1 to 1000",
            "insecure: any certificate will do, and `ca_file` says whom to trust; leave out one of the two",
            "insecure: the service is not https: there is no certificate; leave it out",
            "headers: `x y` cannot be the name of a header; it is made of letters, digits and `-`",
            "headers: the header `host` is made by the client; leave it out",
            "headers: the value of the header `a` has characters that no header can carry; write it in plain ASCII",
            "timeout: `0s` is out of range; give a time from 1ms to 1h",
        ]
    );
}

#[test]
fn an_address_that_is_none_is_told_how_to_become_one() {
    assert_eq!(told(&service("ftp://h/x")), "url: `ftp` is not http or https; write `http://h/x`");
    assert_eq!(told(&service("h:80")), "url: it does not say http or https; write `http://h:80`");
    let with_password = service("http://user:hush@h");
    assert!(told(&with_password).contains("header `authorization`"), "{}", told(&with_password));
    assert!(!told(&with_password).contains("hush") && !format!("{with_password:?}").contains("hush"));
}

#[test]
fn the_later_of_two_headers_with_one_name_wins_and_nobody_sees_its_value() {
    let headers = vec![("X-Key".into(), "first".into()), ("x-key".into(), "hush".into())];
    let settings = HttpSettings { headers, ..service("http://h") };
    let config = settings.check().unwrap();
    assert_eq!(config.header_names(), ["x-key"]);
    assert_eq!(config.headers[0].1, "hush");
    assert!(!format!("{settings:?} {config:?}").contains("hush"));
}
