-- Records in Redis ---------------------------------------------------------------------------------

--- Knows which nodes are alive, asking once for each.
local function node_addresses()
  local known = {}
  return function(binding)
    local node = binding.node
    if known[node] == nil then
      known[node] = redis.call("HMGET", "graceline:node:" .. node, "boot", "address")
    end
    return known[node][1] == binding.boot and known[node][2]
  end
end

--- Which devices the bindings are of. A client that is lost in its call is not there.
local function bound_devices(bindings)
  local ids = {}
  for _, binding in ipairs(bindings) do
    if binding.device_id and not binding.held then ids[binding.device_id] = true end
  end
  return ids
end

--- What tells those who watch users, beside their registrations: see 17-watching.
local watching = {}

--- Tells account services what of a user has changed; of the history which record. Who watches may see it.
local function publish(who, kind, id)
  if kind == "rules" or kind == "presence" or kind == "voicemail" then watching.changed(who) end
  redis.call("PUBLISH", "graceline:account", cjson.encode({ who = who, kind = kind, id = id }))
end

--- The live bindings of a key, and what else is remembered there. `before` is what was bound when
--- the record was saved, `lapsed` why some of it is dead now. What a policy of another version has
--- written is left alone, and ends with its last binding; the user waits for that as if Redis were
--- away. One without a version is of the same form, from before there were versions.
local function load(key, time, address_of)
  local text = redis.call("GET", key)
  local stored = text and cjson.decode(text) or { bindings = {}, forces = {}, outcasts = {} }
  if (stored.version or RECORD_VERSION) ~= RECORD_VERSION then error("record of another version") end
  local record = {
    aor = "sip:" .. key:gsub("^graceline:", ""),
    bindings = {}, before = stored.bindings, lapsed = {}, watchers = {}, ended = {}, visits = {},
    forces = stored.forces, outcasts = stored.outcasts,
    bound = bound_devices(stored.bindings),
  }
  for _, binding in ipairs(stored.bindings) do
    if binding.expires <= time then
      record.lapsed[binding] = "expired"
    elseif binding.held and binding.held <= time or not address_of(binding) then
      record.lapsed[binding] = "deactivated"
    else
      table.insert(record.bindings, binding)
    end
  end
  for _, watcher in ipairs(stored.watchers or {}) do
    local list = watcher.expires > time and record.watchers or record.ended
    if address_of(watcher) then list[#list + 1] = watcher end
  end
  for _, visit in ipairs(stored.visits or {}) do
    if visit.expires > time and address_of(visit) then table.insert(record.visits, visit) end
  end
  return record
end

--- The same, or nothing where it cannot be read: for calls about several users, of whom the others
--- shall not wait.
local function load_if_known(key, time, address_of)
  local known, record = pcall(load, key, time, address_of)
  return known and record or nil
end

local function save(key, record, time)
  local last = 0
  for _, binding in ipairs(record.bindings) do last = math.max(last, binding.expires) end
  for _, watcher in ipairs(record.watchers) do last = math.max(last, watcher.expires) end
  for _, visit in ipairs(record.visits) do last = math.max(last, visit.expires) end
  for _, at in ipairs(record.forces) do last = math.max(last, at + FORCE_WINDOW) end
  if #record.bindings > 0 and #record.outcasts > 0 then last = math.max(last, time + FORCE_WINDOW) end
  if last > time then
    local text = cjson.encode({
      version = RECORD_VERSION, bindings = record.bindings, watchers = record.watchers, visits = record.visits,
      forces = record.forces, outcasts = record.outcasts,
    })
    redis.call("SET", key, text, "PXAT", last)
  else
    redis.call("DEL", key)
  end
  local bound = bound_devices(record.bindings)
  for id in pairs(record.bound) do
    if not bound[id] then bound[id] = "gone" else bound[id] = nil end
  end
  local who = key:match("^graceline:(.*)$")
  if next(bound) then publish(who, "devices") end
  local was_there = false
  for _, binding in ipairs(record.before) do was_there = was_there or not record.lapsed[binding] end
  if not was_there or #record.bindings == 0 then watching.changed(who) end
end

--- For calls by which nobody is told of what has lapsed: it is left for the next one.
local function keep_lapsed(record)
  record.bindings = record.before
  for _, watcher in ipairs(record.ended) do table.insert(record.watchers, watcher) end
end

local function on_flow(binding, login)
  return binding.flow == login.flow and binding.node == login.node and binding.boot == login.boot
end

--- Seconds for which a connection has a binding; 0 if it has none.
local function bound_for(login, record, time)
  local last = time
  for _, binding in ipairs(record.bindings) do
    if on_flow(binding, login) then last = math.max(last, binding.expires) end
  end
  return tostring(math.ceil((last - time) / 1000))
end

--- Moves the bindings or watchers that `goes` says from the record to a list.
local function take(record, which, goes)
  local kept, taken = {}, {}
  for _, one in ipairs(record[which]) do
    local list = goes(one) and taken or kept
    list[#list + 1] = one
  end
  record[which] = kept
  return taken
end
