//! The program `aapns`: everything is in `aapns_tokio::cli`.

fn main() -> std::process::ExitCode {
    aapns_tokio::cli::main()
}
