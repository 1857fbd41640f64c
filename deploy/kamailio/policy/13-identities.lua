-- Credentials of devices, public ids -----------------------------------------------------------------

local DIGEST_NAME = text_of(64, "^[%w._~-]+$")

--- A name and a password for one device, as their hashes; good until then.
verb("credential_set", {
  name = DIGEST_NAME, device = read_id,
  ha1 = text_of(32, "^" .. ("[0-9a-f]"):rep(32) .. "$"),
  ha1_sha256 = text_of(64, "^" .. ("[0-9a-f]"):rep(64) .. "$"),
  ["until"] = whole_number,
}, function(user, argument)
  local device = find(user.account.devices, "id", argument.device)
  if not device then return refuse("unknown") end
  if not authorised(device) then return refuse("revoked") end
  local ends = argument["until"]
  if ends <= user.time then return refuse("invalid") end
  local key = "graceline:credential:" .. argument.name
  local there = redis.call("GET", key)
  if there and cjson.decode(there).who ~= user.who then return refuse("taken") end
  redis.call("SET", key, cjson.encode({
    who = user.who, device = device.id, ha1 = argument.ha1, ha1_sha256 = argument.ha1_sha256,
  }), "PXAT", ends)

  local kept, first, count = {}, nil, 0
  for _, one in ipairs(user.account.credentials) do
    if one.name ~= argument.name and one.ends > user.time then
      kept[#kept + 1] = one
      if one.device == device.id then
        count = count + 1
        if not first or one.ends < first.ends then first = one end
      end
    end
  end
  if count >= MAX_CREDENTIALS then
    redis.call("DEL", "graceline:credential:" .. first.name)
    table.remove(kept, select(2, find(kept, "name", first.name)))
  end
  table.insert(kept, { name = argument.name, device = device.id, ends = ends })
  user.account.credentials = kept
  changed(user)
  return "null"
end)

verb("credentials_drop", { device = read_id }, function(user, argument)
  drop_credentials(user, argument.device)
  changed(user)
  return "null"
end)

--- Whose credentials a node is shown, if they are the user's: the device and the two hashes.
local function credential(keys, args)
  local asked = read(args[1], { "who" })
  local text = asked and redis.call("GET", keys[1])
  local one = text and cjson.decode(text)
  return one and one.who == asked.who and { one.device, one.ha1, one.ha1_sha256 } or {}
end

redis.register_function({ function_name = "graceline_credential", callback = credential, flags = { "no-writes" } })

-- Public ids -----------------------------------------------------------------------------------------

--- A public id in the one form that it is kept and looked up in: a number without visual separators
--- (RFC 3966 §5), or a name, `network:` before it or not, in lower case. ASCII alone, so that none looks like
--- another's. tests/rules/public-ids.txt has the cases.
local function canonical(text)
  text = text:lower()
  local number = text:gsub("[-.()]", "")
  local digits = number:match("^%+?([0-9]+)$")
  if digits and #digits >= 2 and #digits <= 20 then return number end
  local network, name = text:match("^([^:]*):(.*)$")
  if network and not (network:find("^[a-z][a-z0-9-]+$") and #network <= 16) then return nil end
  name = name or text
  return name:find("^[a-z][a-z0-9._-]+$") and #name <= 47 and text or nil
end

local function read_public_id(value)
  return type(value) == "string" and canonical(value) or nil
end

local read_hash = text_of(128)

local function owner_of(id)
  return redis.call("GET", "graceline:id:" .. id)
end

local function id_told(one)
  return cjson.encode({ id = one.id, kind = one.kind, confirmed = one.confirmed })
end

--- The user's from now on, unless another was first.
local function confirm(user, one)
  if not redis.call("SET", "graceline:id:" .. one.id, user.who, "NX") and owner_of(one.id) ~= user.who then
    return refuse("taken")
  end
  one.confirmed, one.code_hash, one.ends, one.tries = true, nil, nil, nil
  changed(user, "publicIds")
  return id_told(one)
end

verb("public_ids", {}, function(user)
  local list = {}
  for index, one in ipairs(user.account.public_ids) do
    list[index] = { id = one.id, kind = one.kind, confirmed = one.confirmed }
  end
  return json_list(list)
end)

--- A name is the user's who comes first; the rest once its code has come back, of which the hash is kept.
verb("public_id_add", {
  id = read_public_id, kind = one_of("tel", "name", "social"),
  ["code_hash?"] = read_hash, ["until?"] = whole_number,
}, function(user, argument)
  local ids = user.account.public_ids
  local one = find(ids, "id", argument.id)
  if one and one.confirmed then return id_told(one) end
  local owner = owner_of(argument.id)
  if owner and owner ~= user.who then return refuse("taken") end
  local named = argument.kind == "name"
  if not named and not (argument.code_hash and argument["until"]) then return refuse("invalid") end
  if not one then
    if #ids >= MAX_PUBLIC_IDS then return refuse("limit", ',"limit":' .. MAX_PUBLIC_IDS) end
    one = { id = argument.id, confirmed = false }
    table.insert(ids, one)
  end
  one.kind, one.code_hash, one.ends, one.tries = argument.kind, argument.code_hash, argument["until"], 0
  if named then return confirm(user, one) end
  changed(user, "publicIds")
  return id_told(one)
end)

verb("public_id_confirm", { id = read_public_id, code_hash = read_hash }, function(user, argument)
  local one = find(user.account.public_ids, "id", argument.id)
  if not one then return refuse("unknown") end
  if one.confirmed then return id_told(one) end
  if one.tries >= MAX_TRIES then return refuse("too_many") end
  if one.ends <= user.time then return refuse("expired") end
  if one.code_hash == argument.code_hash then return confirm(user, one) end
  one.tries = one.tries + 1
  changed(user)
  return refuse("wrong")
end)

verb("public_id_remove", { id = read_public_id }, function(user, argument)
  local one, index = find(user.account.public_ids, "id", argument.id)
  if not one then return refuse("unknown") end
  if one.confirmed then redis.call("DEL", "graceline:id:" .. one.id) end
  table.remove(user.account.public_ids, index)
  changed(user, "publicIds")
  return "null"
end)

verb("public_id_owner", { id = read_public_id }, function(_, argument)
  local owner = owner_of(argument.id)
  return owner and cjson.encode(owner) or "null"
end)

--- Whose public id a name in a domain is: the user, and the id as it is kept. An id is the user's within the
--- user's domain.
local function owner(_, args)
  local asked = read(args[1], { "name", "domain" })
  local id = asked and canonical(asked.name)
  local user, domain = (id and owner_of(id) or ""):match("^(.+)@([^@]+)$")
  return user and domain == asked.domain and { user, id } or {}
end

redis.register_function({ function_name = "graceline_owner", callback = owner, flags = { "no-writes" } })
