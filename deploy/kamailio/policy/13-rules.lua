-- Where calls go that are not taken, what a user says by hand, the mailbox ---------------------------

--- What the parts after this one use.
local Rules = {}

-- A block of its own, as others are: Lua has room for 200 local names at a time.
do

--- What people dial, star codes among it.
local function is_number(text)
  local digits = text:match("^%+?([0-9*#]+)$")
  return digits ~= nil and #digits <= MAX_DIGITS
end

local function is_user(text)
  if not text:find("^[%w._!~*'()&=+$,;/%%-]+$") then return false end
  -- Each escape is of a character that can be seen (RFC 3986 §2.1).
  for digits in text:gmatch("%%(.?.?)") do
    local byte = digits:find("^%x%x$") and tonumber(digits, 16)
    if not byte or byte <= 32 or byte >= 127 then return false end
  end
  return true
end

local function is_host_port(text)
  local port = text:match("^%[[%x:.]+%](.*)$") or text:match("^[%w.-]+(.*)$")
  local digits = port and port:match("^:(%d+)$")
  return port == "" or digits ~= nil and #digits <= 5 and tonumber(digits) <= 65535
end

local function is_param(text)
  local name, value = text:match("^([^=]*)=(.*)$")
  local word = "^[%w._!~*'()%[%]/:&+$-]+$"
  return (name or text):find(word) ~= nil and (not value or value:find(word) ~= nil)
end

--- An address that a request can be sent to, and nothing more: no password, no header fields (RFC 3261
--- §19.1.1).
local function is_address(text)
  local scheme, rest = text:match("^([^:]*):(.*)$")
  if not scheme then return false end
  local user, after = rest:match("^([^@]*)@(.*)$")
  local place, params = (after or rest):match("^([^;]*)(.*)$")
  local fits = false
  if scheme == "sip" or scheme == "sips" then
    fits = (not user or is_user(user)) and is_host_port(place)
  elseif scheme == "tel" then
    fits = not user and is_number((place:gsub("[-.()]", "")))
  end
  for param in params:gmatch(";([^;]*)") do fits = fits and is_param(param) end
  return fits
end

--- Where a rule sends calls, as it is kept; see src/account/target.rs. tests/rules/targets.txt has the cases.
function Rules.read_target(value)
  if type(value) ~= "string" then return nil end
  local number = value:gsub("[-.() ]", "")
  if is_number(number) then return number end
  return (value == "voicemail" or #value <= MAX_ADDRESS and is_address(value)) and value or nil
end

local TARGET = either(Rules.read_target, null)

--- As rules are told. What is not there is null.
local function rules_told(user)
  local rules = user.account.rules
  return cjson.encode({
    always = rules.always or cjson.null, busy = rules.busy or cjson.null,
    offline = rules.offline or cjson.null, noAnswer = rules.noAnswer or cjson.null,
    doNotDisturb = rules.doNotDisturb or false,
  })
end

verb("rules", {}, rules_told)

--- What is not named stays, null removes.
verb("rules_set", {
  ["always~"] = TARGET, ["busy~"] = TARGET, ["offline~"] = TARGET,
  ["noAnswer~"] = either(object_of({ to = Rules.read_target, seconds = number_of(5, 120) }), null),
  ["doNotDisturb~"] = yes_or_no,
}, function(user, argument)
  local rules, before = user.account.rules, rules_told(user)
  if argument.doNotDisturb ~= nil and argument.doNotDisturb ~= (rules.doNotDisturb or false) then
    changed(user, "presence")
  end
  for name, value in pairs(argument) do
    rules[name] = value ~= cjson.null and value or nil
  end
  local told = rules_told(user)
  if told ~= before then changed(user, "rules") end
  return told
end)

local function manual_told(user)
  local manual = user.account.manual
  return cjson.encode({ state = manual.state or cjson.null, note = manual.note or cjson.null })
end

verb("presence_manual", {}, manual_told)

verb("presence_manual_set", {
  ["state?"] = one_of("available", "busy", "away", "offline"), ["note?"] = name_of(128),
}, function(user, argument)
  local before = manual_told(user)
  user.account.manual = argument
  local told = manual_told(user)
  if told ~= before then changed(user, "presence") end
  return told
end)

local function mailbox_told(user)
  return cjson.encode(user.account.mailbox)
end

verb("mailbox", {}, mailbox_told)

local read_count = number_of(0, MAX_COUNT)

--- For the voicemail service alone (RFC 3842).
verb("mailbox_set", { new = read_count, old = read_count }, function(user, argument)
  local mailbox = user.account.mailbox
  if argument.new ~= mailbox.new or argument.old ~= mailbox.old then changed(user, "voicemail") end
  user.account.mailbox = argument
  return mailbox_told(user)
end)

end
