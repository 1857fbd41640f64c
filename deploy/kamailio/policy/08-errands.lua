-- What nodes are asked to do ------------------------------------------------------------------------
--
-- What is decided while one node asks, may concern connections of others; what an account service asks
-- concerns connections of nodes that asked nothing. So each node looks ten times a second at what is left
-- for it here.

--- Notes for a node whom it has to close, unless it has been told to do so (see ousted): "ousted" by another
--- client, or "barred".
local function note_ousted(key, binding, time, why)
  local list = "graceline:ousted:" .. binding.node
  redis.call("RPUSH", list, cjson.encode({
    key = key, boot = binding.boot, flow = binding.flow, at = time, why = why,
  }))
  redis.call("LTRIM", list, -MAX_UNTOLD, -1)
  redis.call("PEXPIRE", list, FORCE_WINDOW)
end

--- Leaves with the node of a connection the command that sends a NOTIFY, or nothing; and the connection,
--- if it is to end.
local function leave(place, command, flow)
  local list = "graceline:errands:" .. place.node
  redis.call("RPUSH", list, cjson.encode({ boot = place.boot, command = command, flow = flow }))
  redis.call("LTRIM", list, -MAX_UNTOLD, -1)
  redis.call("PEXPIRE", list, FORCE_WINDOW)
end

--- Has a connection without a binding closed.
local function end_visit(key, visit, time)
  note_ousted(key, visit, time, "barred")
  leave(visit, nil, visit.flow)
end

--- Ends what `goes` says of the bindings and visits of a user, whoever asks for it. As with a takeover
--- the clients are told and lose their connections, and who watches is told that they were rejected.
local function end_bindings(key, time, goes)
  local address_of = node_addresses()
  local record = load(key, time, address_of)
  local ended, visits = take(record, "bindings", goes), take(record, "visits", goes)
  if #ended + #visits == 0 then return end
  for _, visit in ipairs(visits) do end_visit(key, visit, time) end
  local user, domain = key:match("^graceline:(.+)@(.+)$")
  for index, binding in ipairs(ended) do
    -- The node that has the connection, as if it had asked.
    local node = {
      node = binding.node, user = user, domain = domain,
      cluster_socket = "tcp:" .. address_of(binding):match("^sip:([^;]*)"),
    }
    if not binding.held then
      note_ousted(key, binding, time, "barred")
      leave(binding, service_control(binding, node, address_of), binding.flow)
    end
    if index == #ended then
      for _, command in ipairs(tell_watchers(record, "rejected", node, address_of, time)) do
        leave(binding, command)
      end
    end
  end
  save(key, record, time)
end

--- Connections of a node whose clients were ousted a while ago, and have not logged in since; after each, why.
local function ousted(keys, args)
  local time, address_of, flows = now(), node_addresses(), {}
  while true do
    local text = redis.call("LINDEX", keys[1], 0)
    local one = text and cjson.decode(text)
    if not one or one.at + UNTOLD > time then return flows end
    redis.call("LPOP", keys[1])
    local back
    local record = load_if_known(one.key, time, address_of) or { bindings = {} }
    for _, binding in ipairs(record.bindings) do
      back = back or binding.flow == one.flow and binding.boot == one.boot
    end
    if one.boot == args[1] and not back then
      flows[#flows + 1] = one.flow
      flows[#flows + 1] = one.why or "ousted"
    end
  end
end

--- What is left for a node: of each errand the connection that ends, and the command; either may be empty.
--- Each is handed out once.
local function errands(keys, args)
  local reply = {}
  for _ = 1, MAX_ERRANDS do
    local text = redis.call("LPOP", keys[1])
    if not text then break end
    local errand = cjson.decode(text)
    if errand.boot == args[1] then
      reply[#reply + 1] = errand.flow or ""
      reply[#reply + 1] = errand.command or ""
    end
  end
  return reply
end

redis.register_function("graceline_ousted", ousted)
redis.register_function("graceline_errands", errands)
