-- Numbers outside ------------------------------------------------------------------------------------------
--
-- A call leaves by the carrier's trunk at the cost of one user: who calls, or whose rule sends it there. That
-- user is named by a number of theirs, and has so many of these calls at a time, on whichever nodes.

do

--- The number by which a user is known outside: a public id, the first that is one (RFC 3966 §5.1.4).
local function number_of(who)
  for _, one in ipairs(load_account("graceline:account:" .. who).public_ids) do
    if one.confirmed and one.id:find("^%+[1-9]%d+$") then return one.id end
  end
end

--- Lets a user have one call more outside, if it is not too many.
local function count_in(payer, record, most, time)
  local key, count = "graceline:outside:" .. payer, 0
  for _, id in ipairs(redis.call("ZRANGE", key, 0, -1)) do
    local other = Calls.load(id)
    if not other or other.ended then
      redis.call("ZREM", key, id)
    elseif id ~= record.id then
      count = count + 1
    end
  end
  if count >= most then return false end
  redis.call("ZADD", key, time, record.id)
  redis.call("PEXPIRE", key, LONGEST)
  return true
end

--- Who is shown to have called: nobody, where privacy is asked for or the caller is not known by a number.
local function shown_outside(asked)
  local shown = asked.shown:match("^(%+%d+)@")
  return shown or asked.shown ~= "" and number_of(asked.shown) or ""
end

--- An INVITE to a number outside. The node lets it go: "leaves", the number of the user who answers for it and the
--- number of who calls, or nothing, Diversion, History-Info; or it answers: "refused", status, reason.
local function leave(keys, args)
  local asked = read(args[1], {
    "node", "boot", "cluster_socket", "instance", "devices", "index", "label", "call_id", "tag", "flow", "sender", "shown",
    "from_uri", "from_name", "request_uri", "replaces", "kind", "mailbox", "payer", "domain", "registered",
    "allowed", "most",
  })
  if not asked then return { "refused", "400", "Unreadable" } end
  local time = now()
  local record = record_of(asked, "", time)
  local arrived = Calls.arrive(record, "", time)
  local sent_on = record.course[#record.course]
  local payer = sent_on and sent_on.who or asked.payer
  local own, most = number_of(payer), tonumber(asked.most)
  local function refused(status, reason)
    Calls.fail(record, asked, "failed", "", time)
    Calls.save(record, time)
    return { "refused", status, reason }
  end
  if not arrived then return refused("482", "Loop Detected") end
  if not sent_on and asked.registered ~= "1" then return refused("403", "Not Registered") end
  if payer:match("@(.+)$") ~= asked.domain or not own and most then return refused("403", "No Public Number") end
  if asked.allowed ~= "1" then return refused("403", "Number Not Allowed") end
  if most and not count_in(payer, record, most, time) then return refused("480", "Too Many Calls Outside") end
  Calls.save(record, time)
  local diversion, history = Calls.told_outside(record, asked.request_uri, number_of)
  return { "leaves", own or "", shown_outside(asked), diversion, history }
end

redis.register_function("graceline_leave", leave)

end
