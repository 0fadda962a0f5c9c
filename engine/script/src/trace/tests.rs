use super::{read::of_text, *};

fn trace(text: &str) -> Trace {
    of_text("trace.csv", text.to_owned()).expect("a good trace")
}

fn entries(trace: &Trace) -> Vec<String> {
    (0..trace.listed().entries()).map(|index| Dynamic::from_map(trace.entry(index)).to_string()).collect()
}

/// What is wrong with it, a line each.
fn wrong(text: &str) -> String {
    let told = of_text("trace.csv", text.to_owned()).expect_err("a wrong trace");
    told.iter().map(|told| format!("{} ({})\n", told.message, told.help)).collect()
}

#[test]
fn csv_keeps_every_column_as_text_and_the_key_as_it_is() {
    let trace = trace("key,time,operation,size\r\n007,10.5,put,4096\r\n\"a,\"\"b\"\"\nc\",10.75,get,\r\n");
    assert_eq!(
        entries(&trace),
        [
            r##"#{"key": "007", "operation": "put", "size": "4096", "time_s": 0.0}"##,
            r##"#{"key": "a,\"b\"\nc", "operation": "get", "size": "", "time_s": 0.25}"##,
        ]
    );
}

#[test]
fn ndjson_keeps_values_and_makes_keys_text() {
    let trace = trace(
        "{\"time_ms\": 3, \"key\": 12, \"size\": 10, \"deep\": {\"a\": [1]}}\n\n{\"time_ms\": \"3.5\", \"key\": \"b\"}",
    );
    assert_eq!(
        entries(&trace),
        [
            r##"#{"deep": #{"a": [1]}, "key": "12", "size": 10, "time_s": 0.0}"##,
            r##"#{"key": "b", "time_s": 0.0005}"##,
        ]
    );
}

#[test]
fn the_first_entry_is_at_0_whatever_times_count_from() {
    for text in [
        "time\n-2\n-1.5\n",
        "time_us\n1700000000000000\n1700000000500000\n",
        "time\n2024-02-15T08:00:00Z\n2024-02-15T08:00:00.5Z\n",
    ] {
        let trace = trace(text);
        assert_eq!((trace.listed().recorded_ns(0), trace.listed().recorded_ns(1)), (0, 500_000_000));
    }
}

#[test]
fn everything_that_is_wrong_is_told_with_its_line() {
    let csv = wrong("time,key\n1,a\nsoon,b\n2\n3,c\n2.5,d\n");
    let header = wrong("tiem,key,key\n1,a,b\n");
    let two = wrong("time,time_ms\n1,1000\n");
    let empty = [wrong(""), wrong("time,key\n")].concat();
    let many = wrong(&format!("time\n{}", "never\n".repeat(11)));
    let json = wrong(
        "{\"time\": 1}\n{\"key\": 1}\n{\"time\": 1\n{\"time\": true}\n{\"time\": 2, \"key\": [1]}\n{\"time\": 2, \"time_us\": 1}\n",
    );
    insta::assert_snapshot!([csv, header, two, empty, many, json].join("\n"));
}

#[test]
fn a_trace_costs_little_beside_its_text() {
    let rows: String = (0..1_000).map(|n| format!("{n},key-{n}\n")).collect();
    let trace = trace(&format!("time_ms,key\n{rows}"));
    assert_eq!(trace.rows.len() * size_of::<u32>() + trace.listed().entries() * size_of::<u64>(), 12 * 1_000);
    assert_eq!(trace.entry(999)["key"].to_string(), "key-999");
}
