-- Which device a REGISTER is of, where devices are authorised -------------------------------------------

local NOT_AUTHORISED = "Device not authorised"

--- The instance that a request shows in its Contacts, or beside them (X-Graceline-Instance): those who speak
--- Cisco's form have none in their Contacts. Two, that one would have to choose of, are an error.
local function shown_instance(beside, contacts)
  if beside:find(",") then return nil, true end
  local shown = instance_of(beside)
  for _, contact in ipairs(contacts ~= "*" and contacts or {}) do
    if contact.instance and shown and not same_text(shown, contact.instance) then return nil, true end
    shown = shown or contact.instance
  end
  return shown and shown:lower()
end

--- The authorised device of a request: that of the credentials, if it came with a device's own; that of the
--- instance that it shows; or, if it shows nothing, the one that is bound over its connection. An instance
--- is no secret: it says which device this is, not that it may.
local function device_of(account, record, asked, instance, time)
  local device
  if asked.device_id ~= "" then
    device = find(account.devices, "id", asked.device_id)
    if device and instance and instance ~= device.instance then return nil end
  elseif instance then
    device = find(account.devices, "instance", instance)
  else
    for _, binding in ipairs(record.bindings) do
      if on_flow(binding, asked) then device = find(account.devices, "id", binding.device_id) end
    end
  end
  return authorised(device) and device.seen + IDLE >= time and device or nil
end

--- Lets in whom the account knows. Returns a refusal, or nothing and the device.
local function admit(login, contacts, record, key, time)
  local instance, several = shown_instance(login.instance, contacts)
  if several then return refusal("400", "Two Instances") end
  local account = load_account(key)
  local device = device_of(account, record, login, instance, time)
  if not device then
    return refusal("403", "Forbidden", "Warning: 399 " .. login.node .. ' "' .. NOT_AUTHORISED .. '"\r\n')
  end
  if device.seen + SEEN < time then
    device.seen = time
    redis.call("SET", key, cjson.encode(account))
  end
  return nil, device
end

--- What of a login is the device's: who its rivals are, and by which instance it is the same client.
local function take_device(login, contact, device)
  login.admitted = device.id
  login.tag = in_slot(device.class) and SLOT or device.instance
  contact.instance = device.instance
end

--- Who has no binding calls a gateway, and shows which device it is: whether it may. Its connection ends with
--- what the device is allowed, as a binding would.
local function visit(keys, args)
  local asked = read(args[1], { "node", "boot", "flow", "instance", "device_id" })
  if not asked then return "0" end
  local time, address_of = now(), node_addresses()
  if not address_of(asked) then return "0" end
  local record = load(keys[1], time, address_of)
  local instance, several = shown_instance(asked.instance, {})
  local device = not several and device_of(load_account(keys[2]), record, asked, instance, time)
  if not device then return "0" end
  take(record, "visits", function(one) return on_flow(one, asked) end)
  -- None is forgotten that could go on unseen.
  if #record.visits >= MAX_VISITS then end_visit(keys[1], table.remove(record.visits, 1), time) end
  table.insert(record.visits, {
    device_id = device.id, node = asked.node, boot = asked.boot, flow = asked.flow, expires = time + VISIT,
  })
  keep_lapsed(record)
  save(keys[1], record, time)
  return "1"
end

redis.register_function("graceline_visit", visit)
