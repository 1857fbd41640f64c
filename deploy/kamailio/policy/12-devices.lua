-- Devices of a user ----------------------------------------------------------------------------------
--
-- The account service asks by a function for each verb (`graceline_account_devices`, …), with the user's key
-- (`graceline:account:user@domain`) and one argument, a JSON object. The answer is JSON: {"ok":…}, or
-- {"refused":"code",…}, and then nothing has changed.

local function refuse(code, more)
  return nil, '{"refused":"' .. code .. '"' .. (more or "") .. "}"
end

--- Registers a verb: what it may be asked with, and what answers with JSON or refuses.
local function verb(name, shape, answer)
  redis.register_function("graceline_account_" .. name, function(keys, args)
    local text, argument = args[1] or "", nil
    if keys[1]:find("^graceline:account:[^@]+@[^@]+$") and #text <= MAX_ARGUMENT then
      argument = argument_of(text, object_of(shape))
    end
    if not argument then return select(2, refuse("invalid")) end
    local user = open_account(keys[1], now())
    forget_idle(user)
    local value, refusal = answer(user, argument)
    close_account(user)
    return value and '{"ok":' .. value .. "}" or refusal
  end)
end

local read_id = text_of(64)
local read_instance = (function()
  local read_text = text_of(45)
  return function(value)
    local urn = (read_text(value) or ""):lower()
    local uuid = urn:match("^urn:uuid:(%x+%-%x+%-%x+%-%x+%-%x+)$")
    local lengths = uuid and uuid:gsub("%x+", function(digits) return #digits .. " " end)
    return lengths == "8 -4 -4 -4 -12 " and uuid:find("[^0-]") and urn or nil
  end
end)()
local read_class = one_of("mobile", "desktop", "web", "deskphone")
local LIMITS = object_of({ mobile = whole_number, deskphone = whole_number })
local PUSH = object_of({ endpoint = text_of(2048), p256dh = text_of(MAX_KEY), auth = text_of(MAX_KEY) })

--- Browsers and desktops have one slot together, which they take in turn.
local function in_slot(class)
  return class == "web" or class == "desktop"
end

local function as_told(user, device)
  return {
    id = device.id, instance = device.instance, class = device.class, name = device.name,
    state = device.state, key = device.key or cjson.null, push = device.push or cjson.null,
    since = device.since, seen = device.seen, registered = registered(user)[device.id] or false,
  }
end

local function told(user, device)
  return cjson.encode(as_told(user, device))
end

local function list_told(user, devices)
  local list = {}
  for index, device in ipairs(devices) do list[index] = as_told(user, device) end
  return json_list(list)
end

--- The authorised devices that `counts` says.
local function those(user, counts)
  local list = {}
  for _, device in ipairs(user.account.devices) do
    if authorised(device) and counts(device) then list[#list + 1] = device end
  end
  return list
end

--- Whether there is no room for one more of the class, beside the device `but`; if so, the refusal.
local function full(user, class, limits, but)
  local limit = limits[class] or MAX_DEVICES
  local there = those(user, function(device) return device ~= but and device.class == class end)
  if #there < limit then return nil end
  return select(2, refuse("limit", ',"limit":' .. limit .. ',"devices":' .. list_told(user, there)))
end

local function remove(user, device, successor)
  end_device(user, device, successor)
  table.remove(user.account.devices, select(2, find(user.account.devices, "id", device.id)))
end

--- A browser that lost its storage is a new device each time: the one that is idle longest goes.
local function make_room(user)
  local browsers, idle = those(user, function(device) return in_slot(device.class) end), nil
  for _, device in ipairs(browsers) do
    if not registered(user)[device.id] and (not idle or device.seen < idle.seen) then idle = device end
  end
  if #browsers >= MAX_BROWSERS and idle then remove(user, idle) end
end

verb("devices", {}, function(user)
  return list_told(user, user.account.devices)
end)

verb("authorise", {
  id = read_id, instance = read_instance, class = read_class, name = name_of(64),
  ["key?"] = text_of(MAX_KEY), ["replaces?"] = read_id, limits = LIMITS,
}, function(user, wish)
  local devices = user.account.devices
  local known = find(devices, "instance", wish.instance)
  if known and not authorised(known) then return refuse("revoked") end
  if not known and find(devices, "id", wish.id) then return refuse("invalid") end
  local old = find(devices, "id", wish.replaces)
  if old == known then old = nil end
  local alike = authorised(old) and (old.class == wish.class or in_slot(old.class) and in_slot(wish.class))
  if wish.replaces and not alike and not known then return refuse("unknown") end

  local new_there = not known or known.class ~= wish.class
  local refusal = new_there and not alike and full(user, wish.class, wish.limits, known)
  if refusal then return nil, refusal end
  if not known and not alike then
    if in_slot(wish.class) then make_room(user) end
    if #devices >= MAX_DEVICES then
      return refuse("limit", ',"limit":' .. MAX_DEVICES .. ',"devices":' .. list_told(user, devices))
    end
  end
  local device = known or {
    id = wish.id, instance = wish.instance, name = wish.name, state = "authorised", since = user.time,
  }
  device.class, device.key, device.seen = wish.class, wish.key or device.key, user.time
  if alike then remove(user, old, device.id) end
  if not known then table.insert(devices, device) end
  changed(user, "devices")
  return '{"device":' .. told(user, device) .. ',"added":' .. tostring(not known) .. "}"
end)

--- A verb about one device, which it has to have.
local function device_verb(name, shape, answer)
  shape.id = read_id
  verb(name, shape, function(user, argument)
    local device = find(user.account.devices, "id", argument.id)
    if not device then return refuse("unknown") end
    local _, refusal = answer(user, device, argument)
    if refusal then return nil, refusal end
    return told(user, device)
  end)
end

device_verb("rename", { name = name_of(64) }, function(user, device, argument)
  device.name = argument.name
  changed(user, "devices")
end)

device_verb("revoke", {}, function(user, device)
  device.state = "revoked"
  end_device(user, device)
end)

device_verb("restore", { limits = LIMITS }, function(user, device, argument)
  if authorised(device) then return end
  local refusal = full(user, device.class, argument.limits)
  if refusal then return nil, refusal end
  device.state, device.seen = "authorised", user.time
  changed(user, "devices")
end)

device_verb("forget", {}, function(user, device)
  remove(user, device)
end)

device_verb("push_set", { push = either(PUSH, null) }, function(user, device, argument)
  if argument.push == cjson.null then
    device.push = nil
  elseif not authorised(device) then
    return refuse("revoked")
  else
    device.push = argument.push
  end
  changed(user, "devices")
end)

verb("push_gone", { endpoint = text_of(2048) }, function(user, argument)
  for _, device in ipairs(user.account.devices) do
    if device.push and (device.push.endpoint or device.push.prid) == argument.endpoint then
      device.push = nil
      changed(user, "devices")
    end
  end
  return "null"
end)

-- Where it rings -------------------------------------------------------------------------------------

local function rings_told(user)
  local rings = user.account.rings
  return rings == "auto" and '"auto"' or json_list(rings)
end

verb("rings", {}, rings_told)

verb("rings_set", { ids = either(list_of(read_id, MAX_DEVICES), one_of("auto")) }, function(user, argument)
  local rings = argument.ids
  if rings ~= "auto" then
    rings = {}
    for _, id in ipairs(argument.ids) do
      if not authorised(find(user.account.devices, "id", id)) then return refuse("unknown") end
      if not contains(rings, id) then rings[#rings + 1] = id end
    end
  end
  user.account.rings = rings
  changed(user, "ringsOn")
  return rings_told(user)
end)
