-- Calls of a user's devices, as the others are told of them (RFC 4235) ---------------------------------------
--
-- Made of the records of calls (14-calls). Told are those of devices that are authorised: of others nobody knows
-- whose a call is. A device is not told of its own calls, nor of what rings there, too.

do

local function attributes(list)
  local parts = {}
  for index = 1, #list, 2 do parts[#parts + 1] = " " .. list[index] .. '="' .. xml(list[index + 1]) .. '"' end
  return table.concat(parts)
end

local function identity(uri, name)
  local display = name ~= "" and ' display="' .. xml(name, watching.is_utf8(name)) .. '"' or ""
  return "<identity" .. display .. ">" .. xml(uri) .. "</identity>"
end

--- The address of that device of the far end, and of no other (RFC 5627).
local function gruu(party)
  local user, domain = (party.who or ""):match("^(.+)@([^@]+)$")
  local device = user and find(load_account("graceline:account:" .. party.who).devices, "id", party.device)
  return device and "sip:" .. escape(user) .. "@" .. domain .. ";gr=" .. device.instance
end

--- A call as one of its sides has it. `one` is a dialog, an early one where it rings, or an INVITE, which has no
--- callee yet.
local function element(seen, aor, record, one, side)
  local party, far, callee = one.sides[side], one.sides[3 - side], one.callee or ""
  local device = find(seen.account.devices, "id", party.device)
  local tags = { one.tag, callee }
  local id = redis.sha1hex(table.concat({ one.call_id, one.tag, callee, side, device.id }, "\n")):sub(1, 16)
  local list = { "id", id, "call-id", one.call_id, "local-tag", tags[side] }
  if tags[3 - side] ~= "" then list[#list + 1], list[#list + 2] = "remote-tag", tags[3 - side] end
  list[#list + 1], list[#list + 2] = "direction", side == 1 and "initiator" or "recipient"
  local state = one.rings and "early" or callee ~= "" and "confirmed" or "proceeding"
  local calls = record.caller and record.caller.who == seen.who
  local other, target = calls and record.to or record.from, gruu(far)
  return table.concat({
    "  <dialog", attributes(list), "><state>", state, "</state><local>", identity(aor, device.name),
    '<target uri="', xml(aor), '"><param pname="+sip.instance" pval="', xml(device.instance), '"/></target></local>',
    "<remote>", identity(other.uri, other.displayName),
    target and '<target uri="' .. xml(target) .. '"/>' or "", "</remote></dialog>\n",
  })
end

--- What of a call is open, with who is in it or may be: dialogs, and INVITEs with each device at which they ring.
--- Of what rings the caller is told once.
local function parts_of(record)
  local list = {}
  for _, one in ipairs(record.open) do
    local sender = one.taker or record.caller or {}
    list[#list + 1] = {
      call_id = one.call_id, tag = one.tag, callee = one.callee, sides = one.sides or { sender, {} },
    }
    for _, party in ipairs(one.rings or {}) do
      list[#list + 1] = {
        call_id = one.call_id, tag = one.tag, callee = party.callee, sides = { sender, party }, rings = true,
      }
    end
  end
  return list
end

function watching.documents.dialog(seen, aor, watcher)
  local own
  for _, binding in ipairs(seen.record.bindings) do
    if on_flow(binding, watcher) then own = binding.device_id end
  end
  local told, size = {}, 0
  for _, record in ipairs(watching.calls_of(seen.who)) do
    local elements, there = {}, {}
    for _, one in ipairs(parts_of(record)) do
      for side = one.rings and 2 or 1, 2 do
        local party = one.sides[side]
        local is_users = party.who == seen.who and find(seen.account.devices, "id", party.device)
        if is_users and party.device == own then there[one.call_id] = true end
        if is_users then elements[#elements + 1] = { one.call_id, element(seen, aor, record, one, side) } end
      end
    end
    for _, one in ipairs(elements) do
      local fits = size + #one[2] <= MAX_DOCUMENT - 1024
      if fits and not there[one[1]] then told[#told + 1], size = one[2], size + #one[2] end
    end
  end
  return '<?xml version="1.0" encoding="UTF-8"?>\n<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="0"'
    .. attributes({ "state", "full", "entity", aor }) .. ">\n" .. table.concat(told) .. "</dialog-info>\n"
end

end
