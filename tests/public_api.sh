#!/usr/bin/env bash
# Everything that users can name, with all features, against `public_api.txt`: a change that breaks them is seen in review.
#   tests/public_api.sh            compares
#   tests/public_api.sh --record   writes it anew
# cargo-public-api reads what rustdoc writes, in a form that changes from compiler to compiler; with another one than that of
# the listing nothing is compared.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.52.0
table=tests/public_api.txt
head="# rustc $(rustc --version | cut -d' ' -f2), cargo-public-api $version"
if [ "${1:-}" != --record ] && [ "$(head -1 $table)" != "$head" ]; then
  echo "not compared: $table is of $(head -1 $table | cut -c3-), this is ${head:2}"
  exit
fi
tools="$PWD/target/tools"
[ -x "$tools/bin/cargo-public-api" ] ||
  cargo install --quiet --locked --debug --root "$tools" --target-dir target/tools/build "cargo-public-api@$version"
# Rustdoc's JSON is not stable yet; the compiler is. (Left to itself, the tool takes whatever nightly there is.)
RUSTC_BOOTSTRAP=1 cargo rustdoc --quiet -p recurrent --lib --all-features -- -Z unstable-options --output-format json --cap-lints allow
found=$(PATH="$tools/bin:$PATH" cargo public-api --rustdoc-json "${CARGO_TARGET_DIR:-target}/doc/recurrent.json" -sss --color never)
if [ "${1:-}" = --record ]; then
  printf '%s\n%s\n' "$head" "$found" >"$table"
elif ! diff <(tail -n +2 "$table") - <<<"$found"; then
  echo "the public API has changed: if that is meant, tests/public_api.sh --record" >&2
  exit 1
fi
