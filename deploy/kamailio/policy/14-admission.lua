-- Which device a REGISTER is of, where devices are authorised -------------------------------------------

local NOT_AUTHORISED = "Device not authorised"

--- The instance that a REGISTER shows, in its Contacts or beside them (X-Graceline-Instance): those who
--- speak Cisco's form have none in their Contacts. Two that differ are an error.
local function shown_instance(login, contacts)
  local shown = login.instance ~= "" and instance_of(login.instance) or nil
  for _, contact in ipairs(contacts ~= "*" and contacts or {}) do
    if contact.instance then
      if shown and not same_text(shown, contact.instance) then return nil, true end
      shown = contact.instance
    end
  end
  return shown and shown:lower()
end

--- The authorised device of a request: that of the credentials, if it logged in with a device's own, else
--- that of the instance. An instance is no secret: it says which one this is, not that it may.
local function device_of(account, device_id, instance, time)
  local device
  if device_id ~= "" then
    device = find(account.devices, "id", device_id)
    if device and instance and instance ~= device.instance then return nil end
  else
    device = instance and find(account.devices, "instance", instance)
  end
  return authorised(device) and device.seen + IDLE >= time and device or nil
end

--- Lets in whom the account knows. Returns a refusal, or nothing and the device.
local function admit(login, contacts, key, time)
  local instance, differ = shown_instance(login, contacts)
  if differ then return refusal("400", "Two Instances") end
  local account = load_account(key)
  local device = device_of(account, login.device_id, instance, time)
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
