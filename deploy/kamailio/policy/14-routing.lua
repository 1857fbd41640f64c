-- Where a call goes by the rules of who is called ----------------------------------------------------
--
--   always, or do not disturb ──► on, or 486        busy, no answer, offline ──► on, or the answer
--   nobody is there: offline  ──► on, or 480               ▲
--   else it rings ──────────────────────────────────────────┤ all devices have failed, or time is up
--                                                           └ or one of them has it go elsewhere (301, 302)
--
-- A node asks graceline_ring (15-ringing) where an INVITE goes, and graceline_divert when nobody has taken it. If
-- it is told to send the call on, it finds out whose the new address is, and asks graceline_ring anew: what was
-- meant stands in the call's record until then (`pending`), and who has sent it on so far (`course`). The same is
-- src/registrar/rules.rs; tests/rules/calls.txt has the cases.

do

--- How often a call may be sent on: as often as people could still follow.
local MAX_DIVERSIONS = 5

--- Why it is, in Diversion (RFC 5806), and in History-Info and the URI that it goes to (RFC 4458 §2). Deflection
--- is no rule: a device has it so while it rings.
local REASONS = {
  always = "unconditional", busy = "user-busy", noAnswer = "no-answer", offline = "unavailable",
  deflection = "deflection",
}
local CAUSES = { always = 302, busy = 486, noAnswer = 408, offline = 404, deflection = 487 }

--- Who is not named (RFC 3323 §4.1.1.3).
local ANONYMOUS = "sip:anonymous@anonymous.invalid"

--- A URI without parameters and headers. A user part may hold semicolons.
local function bare(uri)
  local user, rest = uri:match("^([^@]*@)(.*)$")
  return (user or "") .. (rest or uri):match("^[^;?]*")
end

--- The address that a rule means, in a domain.
local function address(target, domain, mailbox)
  if target == "voicemail" then return "sip:" .. mailbox .. "@" .. domain end
  if target:find(":") and not target:find("^tel:") then return target end
  local number = target:gsub("^tel:", ""):match("^[^;]*"):gsub("[-.()]", ""):gsub("#", "%%23")
  return "sip:" .. number .. "@" .. domain
end

--- Diversion: who has sent the call on, the last first.
local function diversion_of(course)
  local told = {}
  for index = #course, 1, -1 do
    told[#told + 1] = "<" .. course[index].uri .. ">;reason=" .. REASONS[course[index].why]
  end
  return table.concat(told, ", ")
end

--- History-Info (RFC 7044 §5): where the call was and why it did not stay, and where it is now.
local function history_of(course, uri)
  local told, index, before, came = {}, "1", "", ""
  for _, one in ipairs(course) do
    told[#told + 1] = "<" .. one.uri .. came .. "?Reason=SIP%3Bcause%3D" .. CAUSES[one.why] .. ">;index=" .. index .. before
    came = ";cause=" .. CAUSES[one.why]
    before = ";mp=" .. index
    index = index .. ".1"
  end
  told[#told + 1] = "<" .. bare(uri) .. came .. ">;index=" .. index .. before
  return table.concat(told, ", ")
end

--- What a node is answered whose call is to be sent on: the address, and what who gets it is told.
local function send_on(record, who, why, target, asked)
  local sent = { who = who, why = why, to = target, uri = bare(asked.request_uri) }
  local uri = address(target, who:match("@(.+)$"), asked.mailbox)
  record.pending = sent
  local course = { unpack(record.course) }
  course[#course + 1] = sent
  return { "forward", uri, diversion_of(course), history_of(course, uri) }
end

--- A call that was sent on has come to `heir`, if that is a user. Whether it may: nobody gets one twice.
function Calls.arrive(record, heir, time)
  local sent = record.pending
  if not sent then return true end
  record.pending = nil
  local been = sent.who == heir or find(record.course, "who", heir) ~= nil
  if been or #record.course >= MAX_DIVERSIONS then return false end
  table.insert(record.course, { who = sent.who, why = sent.why, uri = sent.uri })
  Calls.forwarded(record, sent.who, sent.to, heir, time)
  return true
end

--- What the rules of `who` say of a call that has come, or that nobody takes (`why`): an answer for the node, or
--- nothing.
function Calls.judge(record, who, account, why, asked)
  local rule = account.rules[why]
  local target = type(rule) == "table" and rule.to or rule
  return target and send_on(record, who, why, target, asked)
end

--- Where a device of `who` has a call go: the first Contact of its redirection is as good as a rule, and may say
--- what one may.
function Calls.deflected_to(who, asked)
  local contact = split(asked.contact, ",")[1]
  local open = find_outside(contact, "<", 1)
  local uri = contact:match(open and "^<(%a+:[^<>]*)>" or "^%a+:[^;]*", open or 1)
  local target = Rules.read_target(uri)
  local mailbox = "sip:" .. asked.mailbox .. who:match("@.+$")
  return target and same_text(bare(target), mailbox) and "voicemail" or target
end

function Calls.deflect(record, who, asked)
  local target = Rules.read_target(asked.target)
  return target and send_on(record, who, "deflection", target, asked)
end

--- Diversion and History-Info of a call that leaves to a number outside, where nobody is known but by a number.
function Calls.told_outside(record, uri, number_of)
  local course = {}
  for index, one in ipairs(record.course) do
    local number, domain = number_of(one.who), one.who:match("@(.+)$")
    course[index] = { why = one.why, uri = number and "sip:" .. number .. "@" .. domain or ANONYMOUS }
  end
  return diversion_of(course), #course > 0 and history_of(course, uri) or ""
end

end
