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
local function reached(keys, asked)
  local there = {}
  for _, binding in ipairs(load(keys[1], now(), node_addresses()).bindings) do
    local wanted = asked.instance == "" or same_text(asked.instance, binding.instance)
    if wanted and not binding.held then there[#there + 1] = binding end
  end
  -- Whether one number is several devices, the last login says: the settings that it was judged by.
  local last, rings, desks = there[#there], nil, nil
  if last and last.unique and asked.instance == "" and asked.method == "INVITE" then
    local account = load_account(keys[2])
    rings = account.rings
    there, desks = ringing(there, account)
  end
  local list = {}
  for index = #there, math.max(1, #there - MAX_BRANCHES + 1), -1 do list[#list + 1] = there[index] end
  return list, rings, desks
end

--- For each binding next hop, Request-URI, sending socket.
local function places(bindings, asked)
  local reply, address_of = {}, node_addresses()
  for _, binding in ipairs(bindings) do
    for _, value in ipairs({ route_to(binding, asked, address_of) }) do reply[#reply + 1] = value end
  end
  return reply
end

--- Where a user is reached, or one instance of it (RFC 5627). A call rings where the account has it; what
--- else there is, messages above all, goes to all.
local function lookup(keys, args)
  local asked = read(args[1], { "node", "cluster_socket", "instance", "method" })
  return asked and places(reached(keys, asked), asked) or {}
end

-- Devices that sleep -------------------------------------------------------------------------------------

--- Asks the account services to push news to devices of a user: one of them takes it from the list, when the
--- channel rings or when it comes to run.
local function wake(who, devices, news)
  local wanted = { who = who, devices = devices }
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

--- The devices for which a request would be if they were registered, and which can be woken. `rings` as in
--- reached(). Desk phones never sleep.
local function asleep(keys, account, asked, rings)
  if #account.devices == 0 then return {} end
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

--- An INVITE: how many devices are woken for it, then where it goes now, as lookup has it. It is noted for
--- those who come while it rings.
local function ring(keys, args)
  local asked = read(args[1], {
    "node", "boot", "cluster_socket", "instance", "index", "label", "call_id", "from_uri", "from_name",
  })
  if not asked then return { "0" } end
  asked.method = "INVITE"
  local time, list, rings, desks = now(), reached(keys, asked)
  local who, account = keys[1]:match("^graceline:(.+)$"), load_account(keys[2])
  -- Nobody is there who says whether one number is several devices: who has devices has that.
  if #list == 0 then rings = account.rings end
  local sleeping = asleep(keys, account, asked, rings)
  if #list == 0 and #sleeping == 0 then return { "0" } end
  local call = {
    node = asked.node, boot = asked.boot, cluster_socket = asked.cluster_socket,
    index = asked.index, label = asked.label, ends = time + RINGING,
    instance = asked.instance, rings = rings, desks = desks, rang = {},
  }
  if #sleeping > 0 then
    call.woken = sleeping
    call.news = {
      kind = "call", key = redis.sha1hex(asked.call_id), at = time,
      from = sender_of(asked),
    }
    wake(who, sleeping, call.news)
  end
  for index, binding in ipairs(list) do call.rang[index] = connection_of(binding) end
  local calls = load_calls(keys[1], time)
  calls[#calls + 1] = call
  while #calls > MAX_CALLS do table.remove(calls, 1) end
  save_calls(keys[1], calls, time)
  local reply = { tostring(#sleeping) }
  for _, value in ipairs(places(list, asked)) do reply[#reply + 1] = value end
  return reply
end

--- A call for which devices were woken rings no more: those that did not come are told.
local function rings_no_more(keys, args)
  local asked = read(args[1], { "node", "boot", "index", "label", "answered" })
  if not asked then return 0 end
  local time, calls = now(), {}
  for _, call in ipairs(load_calls(keys[1], time)) do
    local this = call.node == asked.node and call.boot == asked.boot
      and call.index == asked.index and call.label == asked.label
    if not this then
      calls[#calls + 1] = call
    elseif call.woken then
      call.news.kind, call.news.answered = "withdraw", asked.answered == "1"
      wake(keys[1]:match("^graceline:(.+)$"), call.woken, call.news)
    end
  end
  save_calls(keys[1], calls, time)
  return 1
end

--- Whether a call rings at a client that was not there when it came. To each connection it goes once.
local function joins(call, binding, device)
  if #call.rang >= MAX_BRANCHES or contains(call.rang, connection_of(binding)) then return false end
  if call.instance ~= "" then return same_text(call.instance, binding.instance) end
  if not call.rings or not device then return true end
  if call.rings ~= "auto" then return contains(call.rings, device.id) end
  return device.class ~= "deskphone" or call.desks
end

--- A client has registered: calls that ring for its user ring there, too.
local function join_calls(key, binding, device, time, address_of)
  local calls, joined = load_calls(key, time), false
  for _, call in ipairs(calls) do
    if address_of(call) and joins(call, binding, device) then
      joined = true
      table.insert(call.rang, connection_of(binding))
      local next_hop, uri, socket = route_to(binding, call, address_of)
      local list = "graceline:joins:" .. call.node
      redis.call("RPUSH", list, cjson.encode({
        at = time, boot = call.boot, index = call.index, label = call.label,
        name = redis.sha1hex(call.index .. " " .. call.label .. " " .. connection_of(binding)),
        next_hop = next_hop, uri = uri, socket = socket,
      }))
      redis.call("LTRIM", list, -MAX_UNTOLD, -1)
      redis.call("PEXPIRE", list, FORCE_WINDOW)
    end
  end
  if joined then save_calls(key, calls, time) end
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
redis.register_function("graceline_rings_no_more", rings_no_more)
redis.register_function("graceline_joining", joining)
