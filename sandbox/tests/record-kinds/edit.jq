# The object with a value at each JSON pointer; null takes a field away.
def pointer: split("/")[1:] | map(gsub("~1"; "/") | gsub("~0"; "~") | if test("^[0-9]+$") then tonumber else . end);
reduce ($changes | to_entries[]) as {$key, $value} ($object;
	if $value == null then delpaths([$key | pointer]) else setpath($key | pointer; $value) end)
