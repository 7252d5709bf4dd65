# For scripts that run several checks and report on each: source it, call
# `step NAME COMMAND...` for each, and `finish` last.

passed=0 failed=()

# step runs a command, says which and how long it took, and goes on when it fails.
step() {
	local name=$1 start=$SECONDS
	shift
	printf '\n=== %s: %s\n' "$name" "$*"
	if "$@"; then
		passed=$((passed + 1))
		printf -- '--- %s: ok (%d s)\n' "$name" $((SECONDS - start))
	else
		failed+=("$name")
		printf -- '--- %s: FAILED (%d s)\n' "$name" $((SECONDS - start))
	fi
}

# finish says how it went; its status is that of the script.
finish() {
	if [ ${#failed[@]} -gt 0 ]; then
		printf '\nfailed: %s\n' "${failed[*]}"
	fi
	printf '\n%s in %d s\nchecks: %d passed, %d failed\n' "$(basename "$0")" "$SECONDS" "$passed" ${#failed[@]}
	[ ${#failed[@]} -eq 0 ]
}
