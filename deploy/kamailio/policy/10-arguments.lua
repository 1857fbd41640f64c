-- Arguments in JSON --------------------------------------------------------------------------------
--
-- What the account service asks with. A reader returns the value that it was made for, or nothing if what
-- was given is unfit. They are made while Redis loads the policy, when Lua's own functions are not there yet.

--- Text of so many bytes, without control characters.
local function text_of(bytes, pattern)
  return function(value)
    local fits = type(value) == "string" and value ~= "" and #value <= bytes and not value:find("%c")
    return fits and (not pattern or value:find(pattern)) and value or nil
  end
end

--- Text of so many characters, whatever bytes each takes in UTF-8.
local function name_of(characters)
  local read_text = text_of(4 * characters)
  return function(value)
    local text = read_text(value)
    return text and select(2, text:gsub("[^\128-\191]", "")) <= characters and text or nil
  end
end

local function one_of(...)
  local words = { ... }
  return function(value)
    for _, word in ipairs(words) do if word == value then return word end end
  end
end

local function whole_number(value)
  local fits = type(value) == "number" and value >= 0 and value < 2 ^ 53 and value % 1 == 0
  return fits and value or nil
end

local function number_of(least, most)
  return function(value)
    local number = whole_number(value)
    return number and number >= least and number <= most and number or nil
  end
end

local function yes_or_no(value)
  if type(value) == "boolean" then return value end
end

local function list_of(reader, most)
  return function(value)
    if type(value) ~= "table" then return nil end
    local list, size = {}, 0
    for _ in pairs(value) do size = size + 1 end
    if size ~= #value or size > most then return nil end
    for index, one in ipairs(value) do
      list[index] = reader(one)
      if list[index] == nil then return nil end
    end
    return list
  end
end

--- Each of the names once and nothing else. One that ends with "?" may be missing or null, one that ends
--- with "~" may be missing.
local function object_of(shape)
  return function(value)
    if type(value) ~= "table" then return nil end
    local object = {}
    for name, reader in pairs(shape) do
      local bare, mark = name:match("^([^?~]+)([?~]?)$")
      local given = value[bare]
      value[bare] = nil
      local missing = given == nil and mark ~= "" or given == cjson.null and mark == "?"
      if not missing then
        object[bare] = reader(given)
        if object[bare] == nil then return nil end
      end
    end
    return next(value) == nil and object or nil
  end
end

local function either(reader, other)
  return function(value)
    local read_value = reader(value)
    if read_value == nil then return other(value) end
    return read_value
  end
end

local function null(value)
  return value == cjson.null and value or nil
end

--- What a JSON text says, by a reader.
local function argument_of(text, reader)
  local known, value = pcall(cjson.decode, text)
  return known and reader(value) or nil
end

--- JSON of a list: cjson takes an empty one for an object.
local function json_list(list)
  return #list > 0 and cjson.encode(list) or "[]"
end
