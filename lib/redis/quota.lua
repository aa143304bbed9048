-- SPDX-License-Identifier: MIT
--
-- One step of the quota of one scope, atomic in Redis, by Redis's own clock. The rules are those of lib/limiter/core.c and share.c,
-- word for word; tests/unit/store_suite.h holds both to the same tests, and tests/unit/redis_core.c compares them step by step.
--
-- KEYS: 1 the scope's state, 2 the epoch: "NAME:UNTIL", made by whoever first met an empty Redis
-- ARGV: 1 the epoch as the caller knows it, 2 its lifetime in ms, 3 slots (N), 4 window in ms (W), 5 the step, then the step's own:
--       "reserve" lease_ms ahead | "settle" id left_ms outcome retry_after_ms random | "query"
-- Answers: {1, ...} done; {0, reason, early_ms, late_ms} no slot; {-1} another epoch; {-2, N, W} other settings; {-3, ms} shut until
-- then, since what was used before Redis began is not known
--
-- The state is one string: a head, then the slots sorted by release, each {release, id, state}. So a step reads and writes one key,
-- and looks at few of its slots.

local HEAD, HEAD_LENGTH = '<dddddddddddddd', 112
local SLOT, SLOT_LENGTH = '<ddd', 24
local IN_FLIGHT, PASSED, REFUSED, LOST = 0, 1, 2, 3 -- luacheck: ignore
local SHUT, FLYING = 1, 2 -- emqx_tls_quota.reason
local STRAY, FOREVER = 60000, 2 ^ 53

local epoch = redis.call('GETEX', KEYS[2], 'PX', ARGV[2])
if epoch ~= ARGV[1] then return {-1} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local unknown_until = tonumber(string.match(epoch, ':(%d+)$'))
if now < unknown_until then return {-3, unknown_until - now} end

local N, W, step = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local held = W + 1000 + math.ceil(W / 2000)

-- -- the state

local refused, share, k, probe_id, probe_end, probe_at, shut, refused_at = 0, 0, 0, 0, 0, 0, 0, 0
local passed, refusals, last_id, seen = 0, 0, 0, now
local log = ''
local raw = redis.call('GET', KEYS[1])
if raw then
  local n, w
  refused, share, k, probe_id, probe_end, probe_at, shut, refused_at, passed, refusals, last_id, seen, n, w =
    struct.unpack(HEAD, raw)
  if n ~= N or w ~= W then return {-2, n, w} end
  log = string.sub(raw, HEAD_LENGTH + 1)
end

local function count() return #log / SLOT_LENGTH end

-- Position 0 is released first.
local function slot(position)
  local release, id, state = struct.unpack(SLOT, log, position * SLOT_LENGTH + 1)
  return release, id, state
end

local function insert(position, release, id, state)
  local at = position * SLOT_LENGTH
  log = string.sub(log, 1, at) .. struct.pack(SLOT, release, id, state) .. string.sub(log, at + 1)
end

local function take_out(position)
  local at = position * SLOT_LENGTH
  log = string.sub(log, 1, at) .. string.sub(log, at + SLOT_LENGTH + 1)
end

-- The place of a release: behind all that are not later.
local function place(release)
  local position = count()
  while position > 0 and slot(position - 1) > release do position = position - 1 end
  return position
end

-- Redis's clock is a wall clock. Stepped back, no time has passed since the last step: nothing frees early, and nothing is held longer.
if now < seen then
  local back = now - seen
  for position = 0, count() - 1 do
    local release, id, state = slot(position)
    local at = position * SLOT_LENGTH
    log = string.sub(log, 1, at) .. struct.pack(SLOT, release + back, id, state) .. string.sub(log, at + SLOT_LENGTH + 1)
  end
  if refused == 1 then
    probe_end, probe_at, shut, refused_at = probe_end + back, probe_at + back, shut + back, refused_at + back
  end
end

local function share_over(at) return at > refused_at + W + math.floor(W / 10) end

local over = 0
while over < count() do
  local release, _, state = slot(over)
  if release > now then break end
  if state == PASSED then passed = passed - 1 elseif state == REFUSED then refusals = refusals - 1 end
  over = over + 1
end
if over > 0 then log = string.sub(log, over * SLOT_LENGTH + 1) end
if refused == 1 and count() == 0 and share_over(now) then
  refused, share, k, probe_id, probe_end, probe_at, shut, refused_at = 0, 0, 0, 0, 0, 0, 0, 0
end

local function save()
  local idle = math.max(now, shut, probe_at)
  if count() > 0 then idle = math.max(idle, (slot(count() - 1))) end
  if refused == 1 then idle = math.max(idle, refused_at + W + W / 10 + 1) end
  redis.call('SET', KEYS[1], struct.pack(HEAD, refused, share, k, probe_id, probe_end, probe_at, shut, refused_at, passed, refusals,
    last_id, now, N, W) .. log, 'PX', math.ceil(idle - now) + 1000)
end

-- -- decisions

local function in_flight(release, state) return state == IN_FLIGHT and release > now + held end

local function slot_wait(lease, ahead)
  local free = math.max(N - count(), 0)
  if ahead < free then return 0, 0 end
  local again, position = math.min(math.floor(ahead / N), 100000), ahead % N
  local late = position < free and now or (slot(position - free))
  local early, soonest = late, now + held
  for i = count() - 1, 0, -1 do
    if early <= soonest then break end
    local release, _, state = slot(i)
    if release <= soonest then break end
    if in_flight(release, state) then early = soonest end
  end
  early = early + again * held
  late = late + again * (held + STRAY + lease)
  return early - now, late - now
end

local function step_ms() return math.max(math.ceil(W / N), 1) end

-- When the n-th slot is released of those that the platform may have let pass.
local function release_of(n)
  for i = 0, count() - 1 do
    local release, _, state = slot(i)
    if state ~= REFUSED then
      n = n - 1
      if n == 0 then return release end
    end
  end
  return FOREVER
end

local function share_wait(ahead)
  local wanted = count() - refusals + ahead
  local below, probing = wanted < share, probe_id ~= 0 and now < probe_end
  local early, late = now, now
  if not below then
    local release, behind = release_of(wanted - share + 1), math.min(ahead, 100000) * step_ms()
    early = math.max(now, probe_at)
    late = (probing and math.max(early, probe_end) or early) + behind
    early, late = math.min(early, release), math.min(late, release)
  end
  early, late = math.max(early, shut), math.max(late, shut)
  return early - now, late - now, not below and late <= now
end

local function decide(lease, ahead)
  local slot_early, slot_late = slot_wait(lease, ahead)
  local share_early, share_late, probe, shared = 0, 0, false, true
  if refused == 1 then
    share_early, share_late, probe = share_wait(ahead)
    shared = probe or share_late == 0
  end
  local reason = slot_early < slot_late and FLYING or 0
  if not shared and share_late >= slot_late then reason = SHUT end
  return slot_late == 0 and shared, probe, reason, math.max(slot_early, share_early), math.max(slot_late, share_late)
end

-- -- steps

if step == 'reserve' then
  local lease, ahead = tonumber(ARGV[6]), tonumber(ARGV[7])
  local granted, probe, reason, early, late = decide(lease, ahead)
  if not granted then return {0, reason, early, late} end
  local ended = now + lease + STRAY
  last_id = last_id % 4294967295 + 1
  insert(place(ended + held), ended + held, last_id, IN_FLIGHT)
  if probe then probe_id, probe_end = last_id, ended end
  save()
  return {1, last_id, now}
end

if step == 'query' then
  local granted, probe, reason, _, late = decide(0, 0)
  local remaining = granted and N - count() or 0
  if granted and refused == 1 then remaining = math.min(remaining, probe and 1 or share - (count() - refusals)) end
  return {1, count(), remaining, late, granted and 0 or reason}
end

-- settle
local id, left, outcome = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local retry_after, random = tonumber(ARGV[9]), tonumber(ARGV[10])
local position = count() - 1
while position >= 0 do -- those in flight are at the end
  local release, other, state = slot(position)
  if release <= now + held then position = -1 break end
  if other == id and state == IN_FLIGHT then break end
  position = position - 1
end
if position < 0 then return {1} end
local release = slot(position)
take_out(position)
if probe_id == id then probe_id = 0 end

local NOT_SENT, ANSWERED, WAS_REFUSED = 1, 2, 3 -- EMQX_TLS_OUTCOME_*
if outcome ~= NOT_SENT then
  local ended, state = now, LOST
  if outcome == ANSWERED then
    state = PASSED
    passed = passed + 1
    if refused == 1 then share = math.max(share, passed) end
  elseif outcome == WAS_REFUSED then
    state = REFUSED
    refusals = refusals + 1
    local known = refused == 1 and left <= refused_at -- it left before the last 429 was seen
    share = refused == 1 and math.min(share, passed) or passed
    if not known then
      if refused == 1 and share_over(left) then k = 0 end
      local function jitter(ms) return ms + math.floor(math.floor(ms / 10) * random / 4294967296) end
      local one = step_ms()
      local block = one
      if retry_after ~= -1 then block = retry_after < 0 and W or math.min(retry_after, W) end
      local probe = k == 0 and block or one
      probe = math.min(math.max(probe * (k == 0 and 1 or 2 ^ k), block), W)
      refused, refused_at = 1, now
      shut, probe_at = math.max(shut, now + jitter(block)), math.max(probe_at, now + jitter(probe))
      k = math.min(k + 1, 31)
    end
  else
    ended = now + STRAY
  end
  release = math.min(release, ended + held)
  insert(place(release), release, id, state)
end
save()
return {1}
