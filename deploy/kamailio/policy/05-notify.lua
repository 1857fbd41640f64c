-- The way to a client, and what it is told there ----------------------------------------------------

--- A URI as the value of a parameter of another one.
local function escape(uri)
  return (uri:gsub("[^%w.-]", function(char) return string.format("%%%02X", char:byte()) end))
end

--- Next hop, Request-URI and sending socket for a binding, seen from a node: its connection, or the
--- node that has it, which is told of the connection in `to` (see PROVE): nothing that a client may
--- write into a URI of its own leads anywhere. The connection is named by its number, too: its port
--- may be another client's by now.
local function route_to(binding, login, address_of)
  local connection = binding.received .. ";connection=" .. binding.flow:match("%d+$")
  if binding.node == login.node then return connection, binding.uri, binding.socket end
  return address_of(binding) .. ";to=" .. escape(connection), binding.uri, login.cluster_socket
end

-- NOTIFY -----------------------------------------------------------------------------------------
--
-- Who is told what is decided together with what happens. Kamailio is handed the command that sends
-- it (its RPC tm.t_uac_start), because only that sends requests within a dialog.

--- The command that sends a request to a client.
local function request(method, receiver, login, address_of, headers, body)
  local next_hop, uri, socket = route_to(receiver, login, address_of)
  local lines = table.concat(headers, "\r\n") .. "\r\n"
  return cjson.encode({
    jsonrpc = "2.0", id = 1, method = "tm.t_uac_start",
    params = { method, uri, next_hop, socket, lines, body },
  })
end

local function notify(receiver, login, address_of, headers, body)
  return request("NOTIFY", receiver, login, address_of, headers, body)
end

--- The NOTIFY with which Cisco's registrar resets a client. It stands outside any subscription; what
--- vouches for it is the Call-ID of the registration.
local function service_control(ousted, login, address_of)
  local no_stamp = "{00000000-0000-0000-0000-000000000000}\r\n"
  return notify(ousted, login, address_of, {
    "From: <sip:" .. login.domain .. ">",
    "To: <sip:" .. login.user .. "@" .. login.domain .. ">",
    "Contact: <sip:" .. login.domain .. ">",
    "Event: service-control", "Subscription-State: active", "Content-Type: text/plain",
  }, "action=reset\r\nRegisterCallId={" .. ousted.call_id .. "}\r\n"
    .. "ConfigVersionStamp=" .. no_stamp .. "DialplanVersionStamp=" .. no_stamp
    .. "SoftkeyVersionStamp=" .. no_stamp)
end
