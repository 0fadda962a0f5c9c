//! Keys of many objects: numbered ones, what a listing found, and what is no key.

use script::{StoreWiring, Wiring};
use serde_json::{Value, json};

use crate::{
    servers::bucket,
    tools::{call_with, program, wiring},
};

fn setup(body: &str) -> Result<Value, String> {
    let program = program(&format!("fn setup() {{\n s3::create_bucket();\n{body}\n}}"));
    let wiring = Wiring { stores: vec![StoreWiring::only(bucket("many-keys"))], ..wiring(&program) };
    call_with(wiring, &program, "setup")
}

#[test]
fn numbered_keys_and_listings_go_wherever_many_keys_go() {
    let said = setup(
        r#"
        // More than an array of a script may hold.
        let states = s3::numbered("many-keys/", 0, 5000);
        let put = s3::put_many(states, 10, #{ in_flight: 64 });
        let listed = s3::list("many-keys/");
        let read = s3::get_many(listed, #{ in_flight: 64 });
        let gone = s3::delete_many(s3::numbered("many-keys/", 1, 4999));
        [put.items, listed.items, listed.pages, read.items, read.bytes, gone.items, s3::list("many-keys/").keys,
            states.len, states.key(4999)]
        "#,
    );
    let left = ["many-keys/00000000"];
    assert_eq!(said.unwrap(), json!([5000, 5000, 5, 5000, 50_000, 4999, left, 5000, "many-keys/00004999"]));
}

#[test]
fn what_is_no_key_is_told() {
    for (call, expected) in [
        ("s3::get_many(3)", "takes an array of keys, s3::numbered(…) or the reply of s3::list, not i64"),
        ("s3::get_many([\"a\", 1])", "takes keys that are strings; number 1 is of type i64"),
        ("s3::numbered(\"a\", -1, 3)", "counts from 0 to 100000000, not 3 from -1"),
        ("s3::numbered(\"a\", 0, 3).key(3)", "there is no key 3: there are 3, counted from 0"),
        ("s3::put_many(s3::get_many([\"nobody\"]), 3)", "takes the reply of s3::list, not another"),
    ] {
        let told = setup(call).unwrap_err();
        assert!(told.contains(expected), "{call}: {told}");
    }
}
