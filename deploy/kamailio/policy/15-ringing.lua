-- Who rings, and who joins while it rings ---------------------------------------------------------------
--
-- A call rings at the devices that are registered when it comes, and at those that register before
-- somebody answers. So an INVITE that is under way is noted for its callee, in `graceline:ringing:user@domain`,
-- with the node that has it and by which numbers that node finds its transaction. Whoever registers anew
-- looks at these, in one step with being bound, and leaves word for the node (JOIN_CALLS in ringing.cfg).
-- Whether the call still rings that node knows: notes end by time alone.

--- Who rings of a user's bindings: where one number is several devices, those that were chosen, else the
--- browsers, desktops and mobiles, and without any of them the desk phones. What is of no device that the
--- account knows rings with all of them. Returns also whether those are the desk phones.
local function ringing(bindings, account)
  local chosen, active, desk = account.rings ~= "auto", {}, {}
  for _, binding in ipairs(bindings) do
    local device = find(account.devices, "id", binding.device_id)
    local rings = not chosen or not device or contains(account.rings, device.id)
    local list = not chosen and device and device.class == "deskphone" and desk or active
    if rings then list[#list + 1] = binding end
  end
  if chosen or #active > 0 then return active, false end
  return desk, true
end

--- The bindings that a request goes to, those who were heard last first, and for a call what decided it:
--- the choice of devices, and whether the desk phones ring without one.
local function reached(keys, asked, account)
  local there = {}
  for _, binding in ipairs(load(keys[1], now(), node_addresses()).bindings) do
    local wanted = asked.instance == "" or same_text(asked.instance, binding.instance)
    if wanted and not binding.held then there[#there + 1] = binding end
  end
  -- Whether one number is several devices, the last login says: the settings that it was judged by.
  local last, rings, desks = there[#there], nil, nil
  if last and last.unique and asked.instance == "" and asked.method == "INVITE" then
    rings = account.rings
    there, desks = ringing(there, account)
  end
  local list = {}
  for index = #there, math.max(1, #there - MAX_BRANCHES + 1), -1 do list[#list + 1] = there[index] end
  return list, rings, desks
end

--- The way to a binding, as route_to has it; the next hop of a call names the device, for its record.
local function place(binding, asked, address_of)
  local next_hop, uri, socket = route_to(binding, asked, address_of)
  local device = asked.call_id and binding.device_id
  return device and next_hop .. ";device=" .. escape(device) or next_hop, uri, socket
end

--- For each binding next hop, Request-URI, sending socket.
local function places(bindings, asked)
  local reply, address_of = {}, node_addresses()
  for _, binding in ipairs(bindings) do
    for _, value in ipairs({ place(binding, asked, address_of) }) do reply[#reply + 1] = value end
  end
  return reply
end

--- Where a user is reached, or one instance of it (RFC 5627). A call rings where the account has it; what
--- else there is, messages above all, goes to all.
local function lookup(keys, args)
  local asked = read(args[1], { "node", "cluster_socket", "instance", "method" })
  return asked and places(reached(keys, asked, asked.method == "INVITE" and load_account(keys[2])), asked) or {}
end

-- Devices that sleep -------------------------------------------------------------------------------------

--- Asks the account services to push news to devices of a user, those who sleep and those who are registered and do
--- not answer: one of them takes it from the list, when the channel rings or when it comes to run.
local function wake(who, asleep, news, unheard)
  local wanted = { who = who, devices = {}, unheard = unheard and #unheard > 0 and unheard or nil }
  for _, list in ipairs({ asleep, unheard or {} }) do
    for _, id in ipairs(list) do table.insert(wanted.devices, id) end
  end
  if #wanted.devices == 0 then return end
  for name, value in pairs(news) do wanted[name] = value end
  redis.call("LPUSH", "graceline:wakes", cjson.encode(wanted))
  redis.call("LTRIM", "graceline:wakes", 0, MAX_WAKES - 1)
  redis.call("PEXPIRE", "graceline:wakes", KEPT)
  redis.call("PUBLISH", "graceline:wake", "")
end

--- Who a push says that it is from, as From has it.
local function sender_of(asked)
  local name = unquote(asked.from_name:match("^%s*(.-)%s*$"))
  return { uri = asked.from_uri:sub(1, MAX_URI), displayName = plain(name) }
end

--- The devices for which a request would be if they were registered, and which can be woken; none where devices
--- need not be authorised. `rings` as in reached(). Desk phones never sleep.
local function asleep(keys, account, asked, rings)
  if #account.devices == 0 or asked.devices ~= "on" then return {} end
  local there, ids = bound_devices(load(keys[1], now(), node_addresses()).bindings), {}
  for _, device in ipairs(account.devices) do
    local meant = asked.instance == "" or same_text(asked.instance, device.instance)
    local chosen = asked.instance ~= "" or not rings or rings == "auto" or contains(rings, device.id)
    if device.push and authorised(device) and meant and chosen and not there[device.id] then
      ids[#ids + 1] = device.id
    end
  end
  return ids
end

-- Calls under way ------------------------------------------------------------------------------------

local function calls_key(key)
  return "graceline:ringing:" .. key:gsub("^graceline:", "")
end

local function load_calls(key, time)
  local calls = {}
  for _, call in ipairs(cjson.decode(redis.call("GET", calls_key(key)) or "[]")) do
    if call.ends > time then calls[#calls + 1] = call end
  end
  return calls
end

local function save_calls(key, calls, time)
  redis.call("SET", calls_key(key), cjson.encode(calls), "PXAT", time + RINGING)
end

--- One connection, among those of all nodes.
local function connection_of(binding)
  return binding.node .. " " .. binding.boot .. " " .. binding.flow
end

--- Has a call ring, and notes it for those who come while it does. Where it goes, or nothing if nobody is there.
local function ring_at(keys, asked, account, time)
  local list, rings, desks = reached(keys, asked, account)
  -- Nobody is there who says whether one number is several devices: who has devices has that. A desk phone
  -- that comes first rings, too.
  if #list == 0 then rings, desks = account.rings, true end
  local sleeping = asleep(keys, account, asked, rings)
  if #list == 0 and #sleeping == 0 then return nil end
  local call = {
    node = asked.node, boot = asked.boot, cluster_socket = asked.cluster_socket, call_id = asked.call_id,
    index = asked.index, label = asked.label, ends = time + RINGING,
    instance = asked.instance, rings = rings, desks = desks, rang = {}, first = {},
    news = asked.devices == "on" and #account.devices > 0 and {
      kind = "call", key = redis.sha1hex(asked.call_id), at = time,
      from = sender_of(asked),
    } or nil,
  }
  if #sleeping > 0 then
    call.woken = sleeping
    wake(keys[1]:match("^graceline:(.+)$"), sleeping, call.news)
  end
  for index, binding in ipairs(list) do
    call.rang[index], call.first[index] = connection_of(binding), connection_of(binding)
  end
  local calls = load_calls(keys[1], time)
  calls[#calls + 1] = call
  while #calls > MAX_CALLS do table.remove(calls, 1) end
  save_calls(keys[1], calls, time)
  local rule = asked.instance == "" and account.rules.noAnswer
  local reply = { "rings", tostring(#sleeping), tostring(rule and rule.seconds or 0) }
  for _, value in ipairs(places(list, asked)) do reply[#reply + 1] = value end
  return reply
end

--- The binding on a connection.
local function binding_on(key, asked, time)
  local known = load_if_known(key, time, node_addresses())
  for _, binding in ipairs(known and known.bindings or {}) do
    if on_flow(binding, asked) then return binding end
  end
end

--- The record of an INVITE that comes, or that is sent on. One to a server, the mailbox aside, is none that
--- people look back on.
local function record_of(asked, callee, time)
  if asked.kind == "server" then return nil end
  local known = Calls.of_invite(asked)
  if known and known.pending then return known end
  local from = sender_of(asked)
  local binding = asked.sender ~= "" and binding_on("graceline:" .. asked.sender, asked, time)
  return Calls.begin({
    call_id = asked.call_id, tag = asked.tag, node = asked.node, boot = asked.boot,
    who = asked.sender, device = binding and binding.device_id or "", unbound = not binding,
    from_uri = asked.shown ~= "" and "sip:" .. asked.shown or from.uri, from_name = from.displayName,
    to_uri = asked.request_uri, callee = callee, replaces = asked.replaces,
  }, time)
end

--- An INVITE: what the node does with it, by the rules of who is called and by who is there. It has it ring:
--- "rings", how many devices are woken for it, after how many seconds somebody else has it (0: nobody), then where
--- it goes, as lookup has it. Or it sends it on: "forward", the address, Diversion, History-Info. Or it answers:
--- "refused", status, reason. Or it does so with 480: "nobody".
local function ring(keys, args)
  local asked = read(args[1], {
    "node", "boot", "cluster_socket", "instance", "devices", "index", "label", "call_id", "tag", "flow", "sender", "shown",
    "from_uri", "from_name", "request_uri", "replaces", "kind", "mailbox",
  })
  if not asked then return { "nobody" } end
  asked.method = "INVITE"
  local time, who, account = now(), keys[1]:match("^graceline:(.+)$"), load_account(keys[2])
  local callee = asked.kind == "user" and who or ""
  local record = record_of(asked, callee, time)
  local function refused(status, reason, outcome)
    Calls.fail(record, asked, outcome, "", time)
    return { "refused", status, reason }
  end
  -- A device that is called is called, whatever its user has for others.
  local by_rules = record and callee ~= "" and asked.instance == ""
  local function judged(why)
    return by_rules and Calls.judge(record, who, account, why, asked)
  end
  local reply
  if record and not Calls.arrive(record, callee, time) then
    reply = refused("482", "Loop Detected", "failed")
  else
    reply = judged("always")
      or by_rules and account.rules.doNotDisturb and refused("486", "Do Not Disturb", "undisturbed")
      or ring_at(keys, asked, account, time) or judged("offline") or { "nobody" }
  end
  if record then Calls.save(record, time) end
  return reply
end

-- What becomes of it -------------------------------------------------------------------------------------

do

local function is_transaction(call, asked)
  return call.node == asked.node and call.boot == asked.boot
    and call.index == asked.index and call.label == asked.label
end

--- Takes a call out of the list of those that ring for a user. Devices that were woken for it, and did not come,
--- are told.
local function end_ringing(key, asked, answered, time)
  local calls = {}
  for _, call in ipairs(load_calls(key, time)) do
    if not is_transaction(call, asked) then
      calls[#calls + 1] = call
    elseif call.news then
      call.news.kind, call.news.answered = "withdraw", answered
      wake(key:match("^graceline:(.+)$"), call.woken or {}, call.news, call.unheard)
    end
  end
  save_calls(key, calls, time)
end

--- A device that a call rings at has answered nothing: its connection has died without a sign. It counts as away, and
--- is woken as those are, if it is not back over another connection. Whether it is.
local function unheard(keys, args)
  local asked, time = read(args[1], { "node", "boot", "index", "label", "device" }), now()
  local calls, account = load_calls(keys[1], time), load_account(keys[2])
  local device = asked and find(account.devices, "id", asked.device)
  if not device or not device.push or not authorised(device) then return 0 end
  for _, call in ipairs(calls) do
    if is_transaction(call, asked) and call.news and not contains(call.unheard or {}, device.id) then
      for _, binding in ipairs(load(keys[1], time, node_addresses()).bindings) do
        if binding.device_id == device.id and not contains(call.first, connection_of(binding)) then return 0 end
      end
      call.unheard = call.unheard or {}
      table.insert(call.unheard, device.id)
      save_calls(keys[1], calls, time)
      wake(keys[1]:match("^graceline:(.+)$"), {}, call.news, { device.id })
      return 1
    end
  end
  return 0
end

--- A call for which devices were woken rings no more.
local function rings_no_more(keys, args)
  local asked = read(args[1], { "node", "boot", "index", "label", "answered" })
  if not asked then return 0 end
  end_ringing(keys[1], asked, asked.answered == "1", now())
  return 1
end

--- Where a device that rings has the call go by its redirection (RFC 3261 §21.3), as a rule of its user would say
--- it; nothing where none may say so, or devices go their own ways: the caller is told.
local function deflects(keys, args)
  local asked = read(args[1], { "node", "boot", "index", "label", "contact", "mailbox" })
  for _, call in ipairs(asked and load_calls(keys[1], now()) or {}) do
    local united = is_transaction(call, asked) and call.rings
    if united then return Calls.deflected_to(keys[1]:match("^graceline:(.+)$"), asked) or "" end
  end
  return ""
end

--- Nobody has taken a call: busy, noAnswer or offline; or it is for `target` by deflection, see deflects(). Where
--- it is sent then, as ring() says it; nothing, if no rule is for that.
local function divert(keys, args)
  local asked = read(args[1], {
    "node", "boot", "index", "label", "call_id", "tag", "why", "target", "request_uri", "mailbox",
  })
  local record = asked and Calls.of_invite(asked)
  if not record then return {} end
  local time, who, deflected = now(), keys[1]:match("^graceline:(.+)$"), asked.why == "deflection"
  local reply = deflected and Calls.deflect(record, who, asked)
    or not deflected and Calls.judge(record, who, load_account(keys[2]), asked.why, asked)
  if not reply then return {} end
  end_ringing(keys[1], asked, deflected, time)
  Calls.save(record, time)
  return reply
end

--- A device dials the star code: it is taken into the set of those that ring, or out of it, or there is no such
--- device. What is so now is what phones show of the answer. Nobody means to be out of reach: with the last one
--- out it is as if nothing had been set.
local function star(keys, args)
  local asked, time = read(args[1], { "node", "boot", "flow" }), now()
  local binding = asked and binding_on(keys[1], asked, time)
  local user = open_account(keys[2], time)
  local device = binding and binding.unique and find(user.account.devices, "id", binding.device_id)
  if not device then return { "403", "No Device Of One Number" } end
  local rings, others = user.account.rings, {}
  for _, id in ipairs(rings ~= "auto" and rings or {}) do
    if id ~= device.id then others[#others + 1] = id end
  end
  local said = #others == 0 and "It Rings Where You Are Logged In" or "This Device Rings No More"
  if rings == "auto" or not contains(rings, device.id) then
    said = #others == 0 and "This Device Rings, No Other" or "This Device Rings, Too"
    others[#others + 1] = device.id
  end
  user.account.rings = #others > 0 and others or "auto"
  changed(user, "ringsOn")
  close_account(user)
  return { "480", said }
end

redis.register_function("graceline_rings_no_more", rings_no_more)
redis.register_function("graceline_unheard", unheard)
redis.register_function({ function_name = "graceline_deflects", callback = deflects, flags = { "no-writes" } })
redis.register_function("graceline_divert", divert)
redis.register_function("graceline_star", star)

end

-- Who joins -----------------------------------------------------------------------------------------------

local join_calls, fall_back

do

--- Whether a call rings at a client that was not there when it came. To each connection it goes once.
local function joins(call, binding, device)
  if #call.rang >= MAX_BRANCHES or contains(call.rang, connection_of(binding)) then return false end
  if call.instance ~= "" then return same_text(call.instance, binding.instance) end
  if not call.rings or not device then return true end
  if call.rings ~= "auto" then return contains(call.rings, device.id) end
  return device.class ~= "deskphone" or call.desks
end

--- Leaves word for the node of a call that it rings at a client, too.
local function join(call, binding, time, address_of)
  table.insert(call.rang, connection_of(binding))
  if call.unheard then take(call, "unheard", function(id) return id == binding.device_id end) end
  local next_hop, uri, socket = place(binding, call, address_of)
  local list = "graceline:joins:" .. call.node
  redis.call("RPUSH", list, cjson.encode({
    at = time, boot = call.boot, index = call.index, label = call.label,
    name = redis.sha1hex(call.index .. " " .. call.label .. " " .. connection_of(binding)),
    next_hop = next_hop, uri = uri, socket = socket,
  }))
  redis.call("LTRIM", list, -MAX_UNTOLD, -1)
  redis.call("PEXPIRE", list, FORCE_WINDOW)
end

--- A client has registered: calls that ring for its user ring there, too.
function join_calls(key, binding, device, time, address_of)
  local calls, joined = load_calls(key, time), false
  for _, call in ipairs(calls) do
    if address_of(call) and joins(call, binding, device) then
      joined = true
      join(call, binding, time, address_of)
    end
  end
  if joined then save_calls(key, calls, time) end
end

--- Clients have gone. A call that rang where the user was, and nobody of them is left, rings at the desk phones, as
--- one would that came now.
function fall_back(key, record, time, address_of)
  local calls, there, changes = load_calls(key, time), {}, false
  if #calls == 0 then return end
  for _, binding in ipairs(record.bindings) do
    if not binding.held then there[#there + 1] = binding end
  end
  local list, desks = ringing(there, load_account("graceline:account:" .. key:match("^graceline:(.+)$")))
  for _, call in ipairs(calls) do
    if desks and #list > 0 and call.rings == "auto" and not call.desks and address_of(call) then
      call.desks, changes = true, true
      for _, binding in ipairs(list) do
        if #call.rang < MAX_BRANCHES then join(call, binding, time, address_of) end
      end
    end
  end
  if changes then save_calls(key, calls, time) end
end

end

--- Clients that join calls of a node. For each the two numbers of the transaction, the place as lookup has it, a
--- name, and the command that puts the place into the table `late` under that name for two seconds (RPC ul.add of
--- Kamailio's usrloc).
local function joining(keys, args)
  local reply = {}
  for _ = 1, MAX_ERRANDS do
    local text = redis.call("LINDEX", keys[1], 0)
    local one = text and cjson.decode(text)
    if not one or one.at + SETTLED > now() then break end
    redis.call("LPOP", keys[1])
    if one.boot == args[1] then
      local command = cjson.encode({
        jsonrpc = "2.0", id = 1, method = "ul.add",
        params = { "late", one.name, one.uri, 2, 1.0, ".", 0, 0, 0, one.next_hop, one.socket },
      })
      local values = { one.index, one.label, one.next_hop, one.uri, one.socket, one.name, command }
      for _, value in ipairs(values) do reply[#reply + 1] = value end
    end
  end
  return reply
end

redis.register_function({ function_name = "graceline_lookup", callback = lookup, flags = { "no-writes" } })
redis.register_function("graceline_ring", ring)
redis.register_function("graceline_joining", joining)
