//! `aapns demo`.

use super::support::run;

#[test]
fn the_demo_agrees_with_the_mocks_own_count() {
    let ran = run(["demo", "--notifications", "2000"]).exits(0);
    assert!(
        ran.stdout.contains("delivered           2000"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("both agree"));
    let json = run([
        "demo",
        "--notifications",
        "2000",
        "--json",
        "--connections",
        "1..4",
    ])
    .exits(0)
    .json();
    assert_eq!(json["delivered"], 2000);
    assert_eq!(json["mock"]["accepted"], 2000);
    assert_eq!(json["agrees"], true);
}

#[test]
fn the_demo_agrees_with_faults_too() {
    for seed in ["1", "2", "3"] {
        let json = run([
            "demo",
            "--faults",
            "--seed",
            seed,
            "--notifications",
            "5000",
            "--json",
        ])
        .exits(0)
        .json();
        let sum: u64 = ["delivered", "rejected", "not_processed", "unknown"]
            .iter()
            .map(|key| json[key].as_u64().unwrap())
            .sum();
        assert_eq!(sum, 5000);
        assert!(json["rejected"].as_u64().unwrap() > 0);
    }
}
