-- REGISTER (RFC 3261 §10.3) ------------------------------------------------------------------------

--- Makes or refreshes the one binding of a REGISTER. Nothing is stored if it is refused.
local function bind(login, contact, record, time)
  local graceful, duplicate = login.policy == "graceful", login.policy == "duplicate"
  local ousted = {}
  local function is_rival(binding)
    return binding.tag == login.tag and not owns(login, contact, binding)
  end
  local holder
  for _, binding in ipairs(record.bindings) do
    if is_rival(binding) then holder = binding break end
  end
  if holder then
    local forced = contact.instance ~= nil and login.forced == "1"
    local banned = contains(record.outcasts, login.call_id)
    if not forced and (graceful or duplicate and banned) then return conflict(login, holder) end
    if graceful or duplicate then
      local seconds = force_again_in(login, record, time)
      if seconds then
        return refusal("503", "Too Many Takeovers", "Retry-After: " .. seconds .. "\r\n")
      end
      -- No more of them than can count.
      if login.force_limit > 0 then table.insert(record.forces, time) end
    end
    ousted = take(record, "bindings", is_rival)
  end

  -- What this client left behind on its device, or had at this very address.
  local mine = take(record, "bindings", function(binding)
    return binding.uri == contact.uri or binding.tag == login.tag
  end)
  local old
  for _, binding in ipairs(mine) do
    if is_late(login, binding) then return OUT_OF_ORDER end
    if binding.tag == login.tag then old = old or binding end
  end

  local limit = login.limit > 0 and math.min(login.limit, MAX_DEVICES) or MAX_DEVICES
  local listing = #contact.uri + #contact.params
  for _, one in ipairs(record.bindings) do listing = listing + #one.uri + #one.params end
  if #record.bindings >= limit or listing > MAX_LISTING then
    return refusal("503", "Service Unavailable", "P-Registrar-Error: Too many registered contacts\r\n")
  end
  local binding = {
    uri = contact.uri, params = contact.params, contact_user = contact.user, line = login.line,
    device = login.device, tag = login.tag, device_id = login.admitted, unique = login.unique == "on",
    -- A Cisco client refreshes with zeros what it forced with its own id.
    instance = contact.instance or old and old.instance or nil,
    node = login.node, boot = login.boot,
    flow = login.flow, received = login.received, socket = login.socket,
    call_id = login.call_id, cseq = login.cseq, agent = login.agent:sub(1, MAX_TEXT),
    persists = login.persists == "1", gruu = login.gruu == "1",
    since = old and old.since or time, expires = time + contact.seconds * 1000,
  }
  table.insert(record.bindings, binding)

  if graceful or duplicate then
    local outcasts = {}
    for _, id in ipairs(record.outcasts) do
      if id ~= login.call_id then outcasts[#outcasts + 1] = id end
    end
    for _, one in ipairs(ousted) do outcasts[#outcasts + 1] = one.call_id end
    while #outcasts > MAX_OUTCASTS do table.remove(outcasts, 1) end
    record.outcasts = outcasts
  else
    ousted = {} -- nobody is told
  end
  return nil, binding, ousted
end

--- Removes what a REGISTER names with an expiry of 0. With graceful and duplicate a client may
--- remove its own bindings only: else removing would be a way around forcing.
local function unbind(login, contact, record)
  local late = false
  take(record, "bindings", function(binding)
    if binding.uri ~= contact.uri then return false end
    local same = contact.instance and same_text(contact.instance, binding.instance)
    if login.policy ~= "normal" and not same and not is_own(login, binding) then return false end
    late = late or is_late(login, binding)
    return not late
  end)
  return late and OUT_OF_ORDER or nil
end

local function unbind_all(login, record)
  for _, binding in ipairs(record.bindings) do
    local going = login.policy == "normal" or is_own(login, binding)
    if going and is_late(login, binding) then return OUT_OF_ORDER end
  end
  take(record, "bindings", function(binding) return login.policy == "normal" or is_own(login, binding) end)
end

--- The Contact headers of the answer. As Cisco's registrar has it, everybody sees only their own;
--- with policy normal, all.
local function listing(login, record, bound, time)
  local lines, granted = {}, 0
  for _, binding in ipairs(record.bindings) do
    if login.policy == "normal" or binding == bound or is_own(login, binding) then
      local seconds = math.ceil((binding.expires - time) / 1000)
      granted = math.max(granted, seconds)
      lines[#lines + 1] = "Contact: <" .. binding.uri .. ">" .. binding.params .. ";expires=" .. seconds
      if binding.gruu and binding.instance then
        lines[#lines] = lines[#lines] .. ';pub-gruu="sip:' .. login.user .. "@" .. login.domain
          .. ";gr=" .. binding.instance .. '"'
      end
    end
  end
  if #lines > 0 then lines[#lines + 1] = "Expires: " .. granted end
  lines[#lines + 1] = ""
  return table.concat(lines, "\r\n")
end

local REGISTER = {
  "policy", "limit", "force_limit", "min", "max", "default", "unnamed",
  "node", "boot", "flow", "received", "socket", "cluster_socket",
  "user", "domain", "device", "device_tag", "contacts", "expires",
  "call_id", "cseq", "agent", "forced", "persists", "gruu",
  "devices", "unique", "instance", "device_id", "pns",
}

--- Seconds granted to a Contact (RFC 3261 §10.3 step 6). What cannot be read counts as not said.
local function granted(login, contact)
  local wish = contact.expires or tonumber(login.expires:match("^%d+$")) or login.default
  if wish > 0 and wish < login.min then return nil end
  return math.min(wish, login.max)
end

--- One REGISTER of an authenticated user; the keys are those of its bindings and of its account. Returns
--- (see ANSWER_… in kamailio.cfg)
---   status, reason, headers, name of the line, seconds for which the connection has a binding,
---   then for each NOTIFY and each kept MESSAGE to be sent
---   flow of this node that its receiver loses with it, or nothing; command that sends it.
local function register(keys, args)
  local login = read(args[1], REGISTER)
  if not login then return refusal("400", "Line Break In A Header") end
  for _, name in ipairs({ "limit", "force_limit", "min", "max", "default", "cseq" }) do
    login[name] = tonumber(login[name]) or 0
  end
  local contacts = read_contacts(login.contacts)
  if not contacts then return refusal("400", "Malformed Contact") end

  local time, address_of = now(), node_addresses()
  if not address_of(login) then return refusal("503", "Node Not Ready", "Retry-After: 1\r\n") end
  local record = load(keys[1], time, address_of)
  local device
  if login.devices == "on" then
    local refused
    refused, device = admit(login, contacts, record, keys[2], time)
    if refused then return refused end
  end
  local bound, ousted, adding
  if contacts == "*" then
    if tonumber(login.expires) ~= 0 then return refusal("400", "Wildcard Contact Needs Expires 0") end
    local late = unbind_all(login, record)
    if late then return late end
  else
    for _, contact in ipairs(contacts) do
      contact.seconds = granted(login, contact)
      if not contact.seconds then
        return refusal("423", "Interval Too Brief", "Min-Expires: " .. login.min .. "\r\n")
      end
      if contact.seconds > 0 then
        -- One client has one place where it is; and who may take a device is decided for one.
        if adding then return refusal("400", "One Contact Per REGISTER") end
        adding = contact
      else
        local late = unbind(login, contact, record)
        if late then return late end
      end
    end
    if adding then
      set_device(login, adding)
      if device then take_device(login, adding, device) end
      local what = too_long(login, adding)
      if what then return refusal("400", what .. " Too Long") end
      login.line = line_of(login)
      local refused
      refused, bound, ousted = bind(login, adding, record, time)
      if refused then return refused end
    end
  end
  local commands = {}
  if #contacts > 0 then
    commands = tell_watchers(record, "unregistered", login, address_of, time)
    save(keys[1], record, time)
  end
  if bound then
    join_calls(keys[1], bound, device, time, address_of)
  elseif #contacts > 0 then
    fall_back(keys[1], record, time, address_of)
  end
  local kept = bound and device and kept_messages(login, bound, device, time, address_of) or {}

  local headers = listing(login, record, bound, time)
  if contacts == "*" then headers = "Expires: 0\r\n" .. headers end
  if device then headers = headers .. note_pns(keys[2], device, contacts, adding, login, time) end
  local reply = { "200", "OK", headers, bound and bound.line or "", bound_for(login, record, time) }
  for _, one in ipairs(ousted or {}) do
    if not one.held then
      note_ousted(keys[1], one, time, "ousted")
      -- Another node closes the connection itself when the NOTIFY passes it.
      reply[#reply + 1] = one.node == login.node and one.flow or ""
      reply[#reply + 1] = service_control(one, login, address_of)
    end
  end
  for _, list in ipairs({ commands, kept }) do
    for _, command in ipairs(list) do
      reply[#reply + 1] = ""
      reply[#reply + 1] = command
    end
  end
  return reply
end

redis.register_function("graceline_register", register)
