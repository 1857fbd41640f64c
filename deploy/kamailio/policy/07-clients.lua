-- Which client, which device, what the policy says of two of them -----------------------------------

--- The device that a Contact is for: what its sender says, else the tag in a contact user of the
--- form `g1-TAG-…` (the SDK's generic profile), else the user itself.
local function set_device(login, contact)
  local tag = contact.user:match("^g1%-(%x%x%x%x%x%x%x%x%x%x%x%x)%-")
  login.tag = login.device_tag
  if login.device ~= "" then return end
  login.device = login.user
  if tag and tag ~= login.device_tag then
    login.device, login.tag = tag, tag
  elseif not tag and login.unnamed == "instance" and contact.instance then
    login.device, login.tag = contact.instance, contact.instance:lower()
  end
end

--- The name of a line, for the Contacts of calls: the address-of-record, and a hash of the device.
--- It leads to the device wherever that is registered, on whichever node, and outlives all of them.
local function line_of(login)
  local aor = login.user .. "@" .. login.domain
  local hex = aor:gsub(".", function(char) return string.format("%02x", char:byte()) end)
  return hex .. "." .. redis.sha1hex("line\n" .. aor .. "\n" .. login.tag):sub(1, 16)
end

--- Whether a binding belongs to the client that sends `contact`: equal instances, else an equal
--- contact, else the same connection. A contact user that is just the user of the
--- address-of-record identifies nobody: every desk phone has it.
local function owns(login, contact, binding)
  if on_flow(binding, login) then return true end
  if contact.instance and binding.instance then
    return same_text(contact.instance, binding.instance)
  end
  local telling = contact.user ~= "" and contact.user ~= login.user
  return telling and contact.user == binding.contact_user or contact.uri == binding.uri
end

--- Whether a binding is the sender's by what every REGISTER shows.
local function is_own(login, binding)
  return on_flow(binding, login) or binding.call_id == login.call_id
end

--- RFC 3261 §10.3 step 7: an update that is older than what it would change.
local function is_late(login, binding)
  return binding.call_id == login.call_id and login.cseq <= binding.cseq
end

local function contains(list, value)
  for _, one in ipairs(list) do if one == value then return true end end
  return false
end

--- Seconds until the next force is allowed, if not now.
local function force_again_in(login, record, time)
  local recent = {}
  for _, at in ipairs(record.forces) do
    if at + FORCE_WINDOW > time then recent[#recent + 1] = at end
  end
  record.forces = recent
  local limit = login.force_limit
  if limit > 0 and #recent >= limit then
    return math.max(1, math.ceil((recent[#recent - limit + 1] + FORCE_WINDOW - time) / 1000))
  end
end
--- user part only: its host is nobody's business.
local function conflict(login, holder)
  return refusal("403", "Forbidden", table.concat({
    'Warning: 399 ', login.node, ' "', CONFLICT, '"\r\n',
    'X-Graceline-Holder: "', plain(holder.instance or ""),
    '";contact="', plain(holder.contact_user),
    '";since=', string.format("%d", holder.since / 1000),
    ';agent="', plain(holder.agent), '"\r\n',
  }))
end

--- What of a login would take too much room, if anything does.
local function too_long(login, contact)
  if #contact.uri > MAX_URI or #contact.params > MAX_PARAMS then return "Contact" end
  if #(contact.instance or "") > MAX_NAME then return "Instance" end
  if #login.device > MAX_NAME then return "Device Name" end
  if #login.call_id > MAX_CALL_ID then return "Call-ID" end
end

local OUT_OF_ORDER = refusal("500", "CSeq Not Higher Than The Binding's")
