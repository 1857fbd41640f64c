-- Messages, until each device has them -----------------------------------------------------------------------
--
-- A message goes to all devices of a user. For each that is authorised it is kept, in
-- `graceline:messages:user@domain:device`, a hash of JSON texts by the Call-ID with which it would be sent, which
-- begins with the time and a number; for those that are there, too, since a connection may have died without a
-- sign. It is forgotten when the device has answered; one that was away, or has not answered when its connection
-- ends, is sent it when it registers.

local kept_messages
do

--- Who sends a message, as the server knows it (RFC 3325).
local function asserted(asked)
  local user, domain = asked.sender:match("^graceline:(.+)@([^@]+)$")
  return user and asked.private ~= "1" and "<sip:" .. escape(user) .. "@" .. domain .. ">" or nil
end

--- Keeps a message for a device. Of too many the oldest goes.
local function keep(who, device, text, call_id)
  local key = messages_key(who, device)
  if redis.call("HLEN", key) >= MAX_MESSAGES then
    local ids = redis.call("HKEYS", key)
    table.sort(ids)
    redis.call("HDEL", key, ids[1])
  end
  redis.call("HSET", key, call_id, text)
  redis.call("PEXPIRE", key, KEPT)
end

--- A MESSAGE, with its body: for how many devices that are away it is kept, the Call-ID under which it is kept
--- for them and those that are there, or nothing, then where it goes now, as lookup has it. What is over in a
--- moment (RFC 3994) is not kept, nor what Kamailio cannot hand over whole.
local function message(keys, args)
  local asked = read(args[1], {
    "node", "cluster_socket", "instance", "devices", "sender", "private", "from_uri", "from_name", "date", "type", "size", "call_id",
  })
  if not asked then return { "0", "" } end
  asked.method = "MESSAGE"
  local body, time, away, kept = args[2] or "", now(), 0, ""
  local list = reached(keys, asked)
  local who = keys[1]:match("^graceline:(.+)$")
  local passing = asked.type:lower():find("im-iscomposing", 1, true)
  local whole = #body > 0 and #body == tonumber(asked.size) and #body <= MAX_BODY
  if whole and not passing and #asked.type <= MAX_TEXT and #asked.from_uri <= MAX_URI and #asked.from_name <= MAX_TEXT then
    local there = {}
    for _, binding in ipairs(list) do
      if binding.device_id then there[binding.device_id] = connection_of(binding) end
    end
    -- In the order in which they came; and nobody knows another's.
    local count = redis.call("INCR", "graceline:messages") % 1e9
    local call_id = string.format("kept-%013d-%09d-%s", time, count, redis.sha1hex(asked.call_id .. "\n" .. body))
    local letter = {
      from = asked.from_name .. "<" .. asked.from_uri .. ">", asserted = asserted(asked), date = asked.date, type = asked.type, body = body,
    }
    local account = load_account("graceline:account:" .. who)
    for _, device in ipairs(account.devices) do
      local meant = asked.instance == "" or same_text(asked.instance, device.instance)
      letter.sent = there[device.id]
      if meant and authorised(device) and (letter.sent or asked.devices == "on") then
        keep(who, device.id, cjson.encode(letter), call_id)
        kept = call_id
        if not letter.sent then away = away + 1 end
      end
    end
    local sleeping = asleep(keys, account, asked)
    if #sleeping > 0 then
      local key = redis.sha1hex(asked.call_id)
      wake(who, sleeping, { kind = "message", key = key, at = time, from = sender_of(asked) })
    end
  end
  local reply = { tostring(away), kept }
  for _, value in ipairs(places(list, asked)) do reply[#reply + 1] = value end
  return reply
end

--- A device has registered: commands that send it what is kept for it, the oldest first. Each connection gets
--- each once.
function kept_messages(login, binding, device, time, address_of)
  local key = messages_key(login.user .. "@" .. login.domain, device.id)
  local ids, commands = redis.call("HKEYS", key), {}
  table.sort(ids)
  for _, call_id in ipairs(ids) do
    local kept = cjson.decode(redis.call("HGET", key, call_id))
    local at = tonumber(call_id:match("^kept%-(%d+)%-"))
    if at + KEPT < time then
      redis.call("HDEL", key, call_id)
    elseif kept.sent ~= connection_of(binding) then
      kept.sent = connection_of(binding)
      redis.call("HSET", key, call_id, cjson.encode(kept))
      local headers = {
        "From: " .. kept.from, "To: <sip:" .. login.user .. "@" .. login.domain .. ">",
        "Call-ID: " .. call_id, "Date: " .. kept.date, "Content-Type: " .. kept.type,
      }
      if kept.asserted then headers[#headers + 1] = "P-Asserted-Identity: " .. kept.asserted end
      commands[#commands + 1] = request("MESSAGE", binding, login, address_of, headers, kept.body)
    end
  end
  return commands
end

--- A message that was kept for a device is answered: by the device that a node has sent it to as it came, or by
--- the client on a connection.
local function answered(keys, args)
  local client = read(args[1], { "node", "boot", "flow", "device", "call_id" })
  if not client then return 0 end
  local who = keys[1]:match("^graceline:(.+)$")
  if client.device ~= "" then return redis.call("HDEL", messages_key(who, client.device), client.call_id) end
  for _, binding in ipairs(load(keys[1], now(), node_addresses()).bindings) do
    if binding.device_id and on_flow(binding, client) then
      redis.call("HDEL", messages_key(who, binding.device_id), client.call_id)
    end
  end
  return 1
end

--- For how many devices a message is still kept.
local function still_kept(keys, args)
  local asked, count = read(args[1], { "call_id" }), 0
  if not asked then return 0 end
  local who = keys[1]:match("^graceline:(.+)$")
  for _, device in ipairs(load_account("graceline:account:" .. who).devices) do
    count = count + redis.call("HEXISTS", messages_key(who, device.id), asked.call_id)
  end
  return count
end

redis.register_function("graceline_message", message)
redis.register_function("graceline_message_answered", answered)
redis.register_function({ function_name = "graceline_message_kept", callback = still_kept, flags = { "no-writes" } })

end
