-- What nodes are asked to do ------------------------------------------------------------------------
--
-- What is decided while one node asks, may concern connections of others; what an account service asks
-- concerns connections of nodes that asked nothing. So each node looks ten times a second at what is left
-- for it here.

--- Notes for a node whom it has to close, unless it has been told to do so (see ousted).
local function note_ousted(key, binding, time)
  local list = "graceline:ousted:" .. binding.node
  redis.call("RPUSH", list, cjson.encode({ key = key, boot = binding.boot, flow = binding.flow, at = time }))
  redis.call("LTRIM", list, -MAX_UNTOLD, -1)
  redis.call("PEXPIRE", list, FORCE_WINDOW)
end

--- Leaves a command with a node (see notify), and which connection its receiver loses with it, if it does.
local function leave(node, boot, command, flow)
  local list = "graceline:errands:" .. node
  redis.call("RPUSH", list, cjson.encode({ boot = boot, command = command, flow = flow }))
  redis.call("LTRIM", list, -MAX_UNTOLD, -1)
  redis.call("PEXPIRE", list, FORCE_WINDOW)
end

--- Ends bindings that nobody of the network may have any more, whoever asks for it: as with a takeover
--- their clients are told and lose their connections, and who watches is told that they were rejected.
local function end_bindings(key, time, goes)
  local address_of = node_addresses()
  local record = load(key, time, address_of)
  local ended = take(record, "bindings", goes)
  local user, domain = key:match("^graceline:(.+)@(.+)$")
  for index, binding in ipairs(ended) do
    -- The node that has the connection, as if it had asked.
    local node = {
      node = binding.node, user = user, domain = domain,
      cluster_socket = "tcp:" .. address_of(binding):match("^sip:([^;]*)"),
    }
    if not binding.held then
      note_ousted(key, binding, time)
      leave(binding.node, binding.boot, service_control(binding, node, address_of), binding.flow)
    end
    if index == #ended then
      for _, command in ipairs(tell_watchers(record, "rejected", node, address_of, time)) do
        leave(binding.node, binding.boot, command)
      end
    end
  end
  save(key, record, time)
end

--- Connections of a node whose clients were ousted a while ago, and have not logged in since.
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
    if one.boot == args[1] and not back then flows[#flows + 1] = one.flow end
  end
end

--- What is left for a node: of each errand the connection that its receiver loses, or nothing, and the
--- command. Each is handed out once.
local function errands(keys, args)
  local reply = {}
  for _ = 1, MAX_ERRANDS do
    local text = redis.call("LPOP", keys[1])
    if not text then break end
    local errand = cjson.decode(text)
    if errand.boot == args[1] then
      reply[#reply + 1] = errand.flow or ""
      reply[#reply + 1] = errand.command
    end
  end
  return reply
end

redis.register_function("graceline_ousted", ousted)
redis.register_function("graceline_errands", errands)
