-- How a device is woken that says so at REGISTER (RFC 8599) -------------------------------------------------
--
-- An alternative to what it says to the account service, which pushes in either case: `push` of the device is what
-- it has said last. It holds until the device says otherwise, or logs out: with its connection the binding goes,
-- and the device sleeps. The same is src/registrar/pns.rs.

local note_pns
do

--- Parameters of the Contact's URI, without escapes; of printable ASCII alone.
local WORD = "^[\33-\126]+$"
local read_provider, read_prid, read_param = text_of(32, WORD), text_of(448, WORD), text_of(128, WORD)

--- What a Contact says, and which service it names: "" if it asks which there are.
local function said_by(contact)
  local params = {}
  local tail = contact.uri:match("@(.*)$") or contact.uri
  for name, value in tail:match("^[^?]*"):gmatch(";([^;=]+)=?([^;]*)") do
    value = value:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end)
    params[name:lower()] = value
  end
  local named = params["pn-provider"] and params["pn-provider"]:lower()
  local provider, prid = read_provider(named), read_prid(params["pn-prid"])
  local param = read_param(params["pn-param"])
  local odd = (params["pn-param"] or "") ~= "" and not param
  return provider and prid and not odd and { provider = provider, prid = prid, param = param } or nil, named
end

local function same(one, other)
  return one and other and one.provider == other.provider and one.prid == other.prid and one.param == other.param
end

--- Notes what a REGISTER that was granted says of its device. Returns header lines: what is offered of that, the
--- service that it names, or all if it asks (§4.1.2).
function note_pns(key, device, contacts, adding, login, time)
  if login.pns == "" or #contacts == 0 then return "" end
  local offered = split(login.pns, ",")
  local pns, named
  if adding then pns, named = said_by(adding) end
  if pns and not contains(offered, pns.provider) then pns = nil end
  local known = device.push
  if not same(pns, known) and (pns or known and known.provider) then
    local user = open_account(key, time)
    find(user.account.devices, "id", device.id).push = pns
    changed(user, "devices")
    close_account(user)
  end
  local told = pns and { pns.provider } or named == "" and offered or {}
  local lines = ""
  for _, name in ipairs(told) do lines = lines .. 'Feature-Caps: *;+sip.pns="' .. name .. '"\r\n' end
  return lines
end

end
