# `just` lists the recipes; each has a line of help.

_default:
    @just --list

# Everything that decides whether a change lands
ci:
    bash .ci/run

# Format, lint and test, the quick way
check:
    cargo fmt
    cargo clippy --all-targets -- -D warnings
    cargo test

# Simulate many runs with faults and crashes: `just simulate 100000`
simulate seeds="10000":
    STORYREEL_SEEDS={{seeds}} cargo test --release --test it simulation -- --nocapture

# Kill the real binary many times while it works: `just kill 1000`
kill times="200":
    STORYREEL_KILLS={{times}} cargo test --release --test it kill:: -- --nocapture

# Break the code that decides what is paid for and see whether the tests notice: `just mutants plan/build plan::`
mutants part="." *tests:
    nice -n 15 cargo mutants --jobs 1 -o target --re '{{part}}' -- --lib --test it -- {{tests}}

# Write the generated files again (JSON Schemas)
generate:
    STORYREEL_UPDATE=1 cargo test --test it schema

# Draw the example as an animatic
preview:
    cargo run --release -- render examples/storyboards/skerry-light/SCENES.md --preview

# Run the benchmarks of BENCHMARKS.md
bench:
    cargo bench --bench storyreel

# Fuzz one target: `just fuzz markdown 1000000`; needs `cargo install cargo-fuzz`. What it learns stays in fuzz/target
fuzz target runs="1000000":
    mkdir -p fuzz/target/corpus/{{target}}
    cargo fuzz run --sanitizer none {{target}} fuzz/target/corpus/{{target}} fuzz/corpus/{{target}} -- -runs={{runs}} -max_len=4096 -timeout=10
