-- Text -------------------------------------------------------------------------------------------

--- Reads a request: lines `name=value`, the version first, then each of `names` once and nothing else.
--- So a line break smuggled into a value makes the request unreadable rather than meaning something
--- else. A node of another version gets an error instead of an answer, as if Redis were away.
local function read(text, names)
  local version, rest = text:match("^version=(%d+)\n(.*)$")
  if version ~= REQUEST_VERSION then error("request of another version") end
  local wanted, values = {}, {}
  for _, name in ipairs(names) do wanted[name] = true end
  for line in (rest .. "\n"):gmatch("(.-)\n") do
    local name, value = line:match("^([a-z_]+)=(.*)$")
    if not wanted[name] then return nil end
    wanted[name] = nil
    values[name] = value:gsub("%c", " ")
  end
  if not next(wanted) then return values end
end

--- What may stand inside quotes without escapes, for people to read.
local function plain(text)
  return text:gsub('["\\]', ""):sub(1, MAX_TEXT)
end

local function unquote(text)
  local inner = text:match('^"(.*)"$')
  return inner and inner:gsub("\\(.)", "%1") or text
end

local function same_text(a, b)
  return a ~= nil and b ~= nil and a:lower() == b:lower()
end

--- The position of the first `stop` outside quotes and angle brackets.
local function find_outside(text, stop, from)
  local quoted, bracketed, at = false, false, from
  while at <= #text do
    local char = text:sub(at, at)
    if quoted then
      if char == "\\" then at = at + 1 elseif char == '"' then quoted = false end
    elseif bracketed then bracketed = char ~= ">"
    elseif char == stop then return at
    elseif char == '"' then quoted = true
    elseif char == "<" then bracketed = true
    end
    at = at + 1
  end
end

local function split(text, separator)
  local parts, from = {}, 1
  while true do
    local stop = find_outside(text, separator, from)
    parts[#parts + 1] = text:sub(from, (stop or 0) - 1):match("^%s*(.-)%s*$")
    if not stop then return parts end
    from = stop + 1
  end
end

local function refusal(status, reason, headers)
  return { status, reason, headers or "" }
end
