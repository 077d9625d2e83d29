//! `tests/CONFORMANCE.md` names every test here, and no other.

const TABLE: &str = include_str!("../../../tests/CONFORMANCE.md");

const SOURCES: [&str; 17] = [
    include_str!("start.rs"),
    include_str!("settings.rs"),
    include_str!("frames.rs"),
    include_str!("streams.rs"),
    include_str!("flow_control.rs"),
    include_str!("field_blocks.rs"),
    include_str!("goaway.rs"),
    include_str!("push.rs"),
    include_str!("response.rs"),
    include_str!("floods.rs"),
    include_str!("liveness.rs"),
    include_str!("delivery.rs"),
    include_str!("contracts.rs"),
    include_str!("histories.rs"),
    include_str!("boundaries.rs"),
    include_str!("budget.rs"),
    include_str!("clock.rs"),
];

/// The names of tests: functions, and the entries of the macros.
fn defined() -> Vec<&'static str> {
    let mut names: Vec<&str> = Vec::new();
    for source in SOURCES {
        let mut is_documented = false;
        for line in source.lines().map(str::trim) {
            let name = line.strip_prefix("fn ").unwrap_or(line);
            let end = name.find(['(', ':']).filter(|_| is_documented);
            if line.starts_with("/// ") {
                is_documented = line.contains('→');
            } else if let Some(name) = end.and_then(|end| name.get(..end)) {
                names.push(name);
                is_documented = false;
            }
        }
    }
    names
}

#[test]
fn the_table_names_every_test_and_no_other() {
    let mut defined = defined();
    let mut named: Vec<&str> = TABLE
        .lines()
        .filter_map(|line| line.strip_suffix("` |")?.rsplit_once('`'))
        .map(|(_, name)| name)
        .collect();
    defined.sort_unstable();
    named.sort_unstable();
    assert!(defined.len() > 100, "{}", defined.len());
    assert_eq!(defined, named);
}
