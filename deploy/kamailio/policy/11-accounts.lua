-- Accounts -----------------------------------------------------------------------------------------

--- What is known of a user beside the bindings. What a policy of another version has written is left
--- alone, as it is of bindings: see load().
local function load_account(key)
  local text = redis.call("GET", key)
  local account = text and cjson.decode(text)
    or { version = ACCOUNT_VERSION, devices = {}, rings = "auto", public_ids = {}, credentials = {} }
  -- These are younger than the first of that version.
  account.rules, account.manual = account.rules or {}, account.manual or {}
  account.mailbox = account.mailbox or { new = 0, old = 0 }
  if account.version ~= ACCOUNT_VERSION then error("account of another version") end
  return account
end

--- The account of one question, and what of it has changed.
local function open_account(key, time)
  local who = key:match("^graceline:account:(.+)$")
  return {
    key = key, who = who, bindings_key = "graceline:" .. who, time = time,
    account = load_account(key), changes = {}, dirty = false,
  }
end

--- Something is to be stored, and told if it is of a kind: "devices", "ringsOn", "publicIds", "rules",
--- "presence", "voicemail".
local function changed(user, kind)
  user.dirty = true
  if kind and not contains(user.changes, kind) then table.insert(user.changes, kind) end
end

local function close_account(user)
  if not user.dirty then return end
  redis.call("SET", user.key, cjson.encode(user.account))
  for _, kind in ipairs(user.changes) do publish(user.who, kind) end
end

local function find(list, name, value)
  for index, one in ipairs(list) do
    if one[name] == value then return one, index end
  end
end

local function authorised(device)
  return device ~= nil and device.state == "authorised"
end

local function registered(user)
  if not user.bound then
    user.bound = bound_devices(load(user.bindings_key, user.time, node_addresses()).bindings)
  end
  return user.bound
end

local function drop_credentials(user, id)
  local kept = {}
  for _, one in ipairs(user.account.credentials) do
    if one.device == id then
      redis.call("DEL", "graceline:credential:" .. one.name)
    elseif one.ends > user.time then
      kept[#kept + 1] = one
    end
  end
  user.account.credentials = kept
end

local function messages_key(who, device_id)
  return "graceline:messages:" .. who .. ":" .. device_id
end

--- What a device had ends with it: its binding, of which its client and all who watch are told, what it
--- logs in with, what is kept for it, and its place among those that ring, unless another takes it.
local function end_device(user, device, successor)
  changed(user, "devices")
  device.push = nil
  drop_credentials(user, device.id)
  redis.call("DEL", messages_key(user.who, device.id))
  if type(user.account.rings) == "table" and contains(user.account.rings, device.id) then
    local left = {}
    for _, id in ipairs(user.account.rings) do
      if id == device.id then id = successor end
      left[#left + 1] = id
    end
    user.account.rings = #left > 0 and left or "auto"
    changed(user, "ringsOn")
  end
  end_bindings(user.bindings_key, user.time, function(one) return one.device_id == device.id end)
  user.bound = nil
end

--- A device that nobody has used for so long is gone; a revoked one is not, for it would come back.
local function forget_idle(user)
  local kept = {}
  for _, device in ipairs(user.account.devices) do
    local idle = authorised(device) and device.seen + IDLE < user.time and not registered(user)[device.id]
    if idle then end_device(user, device) else kept[#kept + 1] = device end
  end
  user.account.devices = kept
end
