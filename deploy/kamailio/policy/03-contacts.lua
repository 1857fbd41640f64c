-- Contacts (RFC 3261 §20.10) ---------------------------------------------------------------------

--- The instance, without quotes and brackets. Zeros count as none: Cisco's clients send them to
--- say that they claim nothing.
local function instance_of(value)
  local urn = unquote(value or ""):match("^%s*<?(.-)>?%s*$")
  if urn:match("[^:]*$"):find("[^0-]") then return urn end
end

local function read_contact(text)
  local open = find_outside(text, "<", 1)
  local uri, rest = text:match(open and "^<([^<>%s]+)>(.*)$" or "^([^;]+)(.*)$", open or 1)
  if not uri or not uri:lower():match("^sips?:[^%s]+$") then return nil end
  local contact = { uri = uri, params = "", user = uri:match("^[^:]+:([^@;?]*)@") or "" }
  for index, param in ipairs(split(rest, ";")) do
    local name, value = param:match("^([^=%s]+)%s*=?%s*(.*)$")
    if index == 1 then
      if param ~= "" then return nil end
    elseif name and name:lower() == "expires" then
      contact.expires = tonumber(value:match("^%d+$"))
    elseif name then
      contact.params = contact.params .. ";" .. param
      if name:lower() == "+sip.instance" then contact.instance = instance_of(value) end
    end
  end
  return contact
end

--- All Contacts of a REGISTER: a list, or "*", or nothing if they cannot be read.
local function read_contacts(text)
  if text == "" then return {} end
  if text == "*" then return "*" end
  local list = split(text, ",")
  if #list > MAX_CONTACTS then return nil end
  for index, part in ipairs(list) do
    list[index] = read_contact(part)
    if not list[index] then return nil end
  end
  return list
end
