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

# Simulate many runs with faults and crashes: `just simulate 1000000`; `just simulate 1000 5000` begins at seed 5000
simulate seeds="10000" first="0":
    STORYREEL_SEEDS={{seeds}} STORYREEL_FIRST_SEED={{first}} cargo test --profile campaign --test it simulation:: -- --nocapture

# Make up films and edits, and hold plan and run against what should happen: `just films 10000`; `just films 500 70000` begins at 70000
films count="10000" first="0":
    STORYREEL_FILMS={{count}} STORYREEL_FIRST_FILM={{first}} cargo test --profile campaign --test it random_films:: -- --nocapture

# Kill the real binary at random moments, and at every named point so many times: `just kill 10000 20`
kill times="1000" rounds="3":
    STORYREEL_KILLS={{times}} STORYREEL_ROUNDS={{rounds}} cargo test --profile campaign --test it kill:: -- --nocapture

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
