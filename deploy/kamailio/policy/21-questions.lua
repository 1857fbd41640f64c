-- The other calls --------------------------------------------------------------------------------

--- A connection is gone, and its bindings and subscriptions with it at once; but a client in a call
--- that announced X-cisco-sessionpersist may come back within the grace. Returns commands that send
--- NOTIFYs.
local function gone(keys, args)
  local lost = read(args[1], { "node", "boot", "flow", "cluster_socket", "in_call" })
  if not lost then return {} end
  local time, address_of = now(), node_addresses()
  watching.forget(keys[1], function(watcher) return on_flow(watcher, lost) end)
  local record = load_if_known(keys[1], time, address_of)
  if not record then return {} end
  take(record, "watchers", function(watcher) return on_flow(watcher, lost) end)
  take(record, "visits", function(visit) return on_flow(visit, lost) end)
  take(record, "bindings", function(binding)
    if not on_flow(binding, lost) then return false end
    if not binding.persists or lost.in_call ~= "1" then return true end
    binding.held = math.min(binding.held or time + GRACE, time + GRACE)
    return false
  end)
  local commands = tell_watchers(record, "deactivated", lost, address_of, time)
  save(keys[1], record, time)
  fall_back(keys[1], record, time, address_of)
  return commands
end

--- Whether a connection has a binding, which proves whose it is.
local function speaks(keys, args)
  local login, time = read(args[1], { "node", "boot", "flow" }), now()
  return login and bound_for(login, load(keys[1], time, node_addresses()), time) or "0"
end

--- Where one is reached of several clients that serve alike: each of them, as `lookup` has them, in an
--- order that stays and begins with another one each turn.
local function in_turn(keys, args)
  local asked = read(args[1], { "node", "cluster_socket", "turn" })
  local reply, there = {}, {}
  if not asked then return reply end
  local address_of = node_addresses()
  for _, binding in ipairs(load(keys[1], now(), address_of).bindings) do
    if not binding.held then there[#there + 1] = binding end
  end
  table.sort(there, function(a, b) return a.line < b.line end)
  local turn = tonumber(asked.turn) or 0
  for step = 1, math.min(#there, MAX_BRANCHES) do
    local binding = there[(turn + step) % #there + 1]
    for _, value in ipairs({ route_to(binding, asked, address_of) }) do
      reply[#reply + 1] = value
    end
  end
  return reply
end

--- Where a line is now: next hop, sending socket. Nothing if it is nowhere. A client without a binding,
--- or without one any more, may be in a call at the node that is named, which alone knows (TO_PLACE).
local function line(keys, args)
  local asked = read(args[1], { "node", "cluster_socket", "line" })
  if not asked then return {} end
  local name, node = asked.line:match("^(%x+%.%x+)%.?(.*)$")
  local address_of = node_addresses()
  for _, binding in ipairs(load(keys[1], now(), address_of).bindings) do
    if binding.line == name and not binding.held then
      local next_hop, _, socket = route_to(binding, asked, address_of)
      return { next_hop, socket }
    end
  end
  local elsewhere = node and node ~= "" and node ~= asked.node
  local address = elsewhere and redis.call("HGET", "graceline:node:" .. node, "address")
  return address and { address .. ";to=call", asked.cluster_socket } or {}
end

--- Who is registered, for people and tests: each binding as JSON.
local function bindings(keys)
  local list = load(keys[1], now(), node_addresses()).bindings
  for index, binding in ipairs(list) do list[index] = cjson.encode(binding) end
  return list
end

--- A node says that it is alive, for so many milliseconds. Two of one name would take each other's
--- bindings for dead ones.
local function lease(keys, args)
  local node = read(args[1], { "boot", "address", "milliseconds" })
  local holder = redis.call("HGET", keys[1], "address")
  if holder and holder ~= node.address then
    return redis.error_reply("ERR the node at " .. holder .. " has this name")
  end
  redis.call("HSET", keys[1], "boot", node.boot, "address", node.address)
  redis.call("PEXPIRE", keys[1], node.milliseconds)
  return "OK"
end

redis.register_function("graceline_gone", gone)
redis.register_function("graceline_lease", lease)
redis.register_function({ function_name = "graceline_in_turn", callback = in_turn, flags = { "no-writes" } })
redis.register_function({ function_name = "graceline_speaks", callback = speaks, flags = { "no-writes" } })
redis.register_function({ function_name = "graceline_line", callback = line, flags = { "no-writes" } })
redis.register_function({ function_name = "graceline_bindings", callback = bindings, flags = { "no-writes" } })
