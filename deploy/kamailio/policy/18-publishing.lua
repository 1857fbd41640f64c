-- What devices publish of their users, and the voicemail server of mailboxes (RFC 3903) ----------------------
--
-- What is published of a user is a list in `graceline:published:user@domain`: `etag`, `expires`, `state`, `note`, and
-- `uri` of the binding with which it ends.

do

local MAX_PUBLISHED = 16 -- states of one user that devices have said: of more devices than anybody has
local MAX_CHANGES = 20 -- of one user's within CHANGES: each is told to everybody who watches
local CHANGES = 10000

local ENTITIES = { amp = "&", lt = "<", gt = ">", quot = '"', apos = "'" }

--- Text of an XML document. Of numbered characters those of ASCII are read.
local function plain_text(text)
  return (text:gsub("&(#?)(x?)(%w+);", function(number, hexadecimal, name)
    if number == "" then return ENTITIES[hexadecimal .. name] or "?" end
    local code = tonumber(name, hexadecimal == "x" and 16 or 10)
    return code and code >= 32 and code < 127 and string.char(code) or "?"
  end))
end

--- The first `characters` of UTF-8.
local function beginning(text, characters)
  local seen = 0
  for at in text:gmatch("()[^\128-\191]") do
    seen = seen + 1
    if seen > characters then return text:sub(1, at - 1) end
  end
  return text
end

--- What a presence document says by hand (RFC 3863, RFC 4480): no more is read of it than that. What could mean
--- something else to another reader (declarations, CDATA) is none.
local function read_presence(body)
  local text = body:gsub("<!%-%-.-%-%->", ""):gsub("(</?)[%w_.-]+:", "%1")
  if not watching.is_utf8(body) or text:find("<!", 1, true) or not text:find("<presence[%s>]") then return nil end
  local activities = text:match("<activities[^>]*>(.-)</activities>") or ""
  local function does(name) return activities:find("<" .. name .. "[%s/>]") ~= nil end
  local state = "available"
  if text:match("<basic[^>]*>%s*(%a+)%s*</basic>") == "closed" then
    state = "offline"
  elseif does("busy") or does("on%-the%-phone") then
    state = "busy"
  elseif does("away") then
    state = "away"
  end
  local note = plain_text(text:match("<note[^>]*>([^<]*)</note>") or ""):gsub("%c", " ")
  note = beginning(note:match("^%s*(.-)%s*$"), MAX_TEXT)
  return { state = state, note = note ~= "" and note or nil }
end

--- Whether a user may change again what others see.
local function may_change(who)
  local key = "graceline:changes:" .. who
  local count = redis.call("INCR", key)
  if count == 1 then redis.call("PEXPIRE", key, CHANGES) end
  return count <= MAX_CHANGES
end

--- A state that a device of the user publishes (RFC 3903 §6).
local function publish_presence(who, asked, body, time, seconds)
  local address_of = node_addresses()
  local seen = watching.look_at(who, time, address_of)
  local former, index = find(seen.published, "etag", asked.etag)
  if asked.etag ~= "" and not former then return refusal("412", "Conditional Request Failed") end
  local said = body ~= "" and read_presence(body) or body == "" and former
  if not said then return refusal("400", body == "" and "Missing Body" or "No Presence Document") end
  if body ~= "" and seconds > 0 and not may_change(who) then
    return refusal("503", "Too Many Changes", "Retry-After: " .. CHANGES / 1000 .. "\r\n")
  end
  if former then table.remove(seen.published, index) end
  local etag = redis.sha1hex(table.concat({ who, time, asked.call_id, asked.cseq, asked.etag }, "\n")):sub(1, 16)
  local uri = former and former.uri
  for _, binding in ipairs(seen.record.bindings) do
    if on_flow(binding, asked) then uri = binding.uri end
  end
  if seconds > 0 then
    table.insert(seen.published, {
      etag = etag, expires = time + seconds * 1000, uri = uri, state = said.state, note = said.note,
    })
  end
  if #seen.published > MAX_PUBLISHED then table.remove(seen.published, 1) end
  if #seen.published > 0 then
    redis.call("SET", "graceline:published:" .. who, cjson.encode(seen.published), "PX", 3600000)
  else
    redis.call("DEL", "graceline:published:" .. who)
  end
  watching.changed(who)
  return { "200", "OK", "SIP-ETag: " .. etag .. "\r\nExpires: " .. seconds .. "\r\n" }
end

--- The counts that the voicemail server tells of a user's mailbox (RFC 3842 §5.2).
local function publish_mailbox(who, body, time, seconds)
  local new, old = ("\n" .. body):lower():match("\nvoice%-message[ \t]*:[ \t]*(%d+)[ \t]*/[ \t]*(%d+)")
  new, old = tonumber(new), tonumber(old)
  if not old or new > MAX_COUNT or old > MAX_COUNT then return refusal("400", "No Message Summary") end
  local user = open_account("graceline:account:" .. who, time)
  if new ~= user.account.mailbox.new or old ~= user.account.mailbox.old then changed(user, "voicemail") end
  user.account.mailbox = { new = new, old = old }
  close_account(user)
  return { "200", "OK", "SIP-ETag: " .. redis.sha1hex(body):sub(1, 16) .. "\r\nExpires: " .. seconds .. "\r\n" }
end

--- A PUBLISH about a user, of who may; with its body. Returns status, reason, headers.
local function publish_state(keys, args)
  local asked = #args[1] <= MAX_SUBSCRIBE and read(args[1], {
    "node", "boot", "flow", "package", "type", "etag", "expires", "size", "call_id", "cseq",
  })
  if not asked then return refusal("400", "PUBLISH Too Long") end
  local body, who, media_type = args[2] or "", keys[1]:match("^graceline:(.+)$"), watching.types[asked.package]
  if #body ~= tonumber(asked.size) or #body > MAX_BODY then return refusal("413", "Body Too Large") end
  if body ~= "" and asked.type:match("^[^;%s]*"):lower() ~= media_type then
    return refusal("415", "Unsupported Media Type", "Accept: " .. media_type .. "\r\n")
  end
  local seconds = math.min(tonumber(asked.expires:match("^%d+$")) or 3600, 3600)
  if asked.package == "message-summary" then return publish_mailbox(who, body, now(), seconds) end
  return publish_presence(who, asked, body, now(), seconds)
end

redis.register_function("graceline_publish", publish_state)

end
