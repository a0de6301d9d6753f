# What a developer does, each in a line; the scripts are in deploy/dev and explain themselves.
.PHONY: run demo test soak bench check lint fmt migrate events openapi proto compose-up compose-test stack-file restore-test upgrade-test

run:     ; @deploy/dev/run
demo:    ; @deploy/dev/with-env --running $${CARGO_TARGET_DIR:-target}/debug/ctl demo
test:    ; @deploy/dev/test
soak:    ; @deploy/dev/soak $(ARGS)
bench:   ; @cargo build --quiet --release --workspace --bins && $${CARGO_TARGET_DIR:-target}/release/bench
check:   ; @deploy/dev/check
lint:    ; @cargo clippy --workspace --all-targets -- -D warnings
fmt:     ; @cargo fmt --all
migrate: ; @deploy/dev/with-env cargo run --quiet --package pitchey-ctl -- migrate up
events:  ; @cargo run --quiet --package pitchey-ctl -- events
openapi: ; @cargo run --quiet --package pitchey-ctl -- openapi
proto:   ; @PITCHEY_REGENERATE=1 cargo test --quiet --package pitchey-rpc --test it generated

compose-up:   ; @deploy/compose/up
compose-test: ; @deploy/compose/test $(ARGS)
stack-file:   ; @deploy/compose/stack-file
restore-test: ; @deploy/backup/test
upgrade-test: ; @deploy/dev/upgrade-test $(FROM)
