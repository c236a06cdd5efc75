# A corpus, as one array, to requests.
def pointer: split("/")[1:] | map(gsub("~1"; "/") | gsub("~0"; "~") | if test("^[0-9]+$") then tonumber else . end);
def edit($changes): reduce ($changes | to_entries[]) as {$key, $value} (.;
	if $value == null then delpaths([$key | pointer]) else setpath($key | pointer; $value) end);
(map(select(.base)) | INDEX(.base)) as $bases
| .[]
| if .case then
    $bases[.of] as $base | (.set // {}) as $set
    | {case, path: $base.path, object: ($base.object | edit($set))} + (if .update then {update} else {} end)
  elif .facts then
    $bases[.facts] as $base | {facts} + . + {path: $base.path, object: $base.object}
  else empty end
