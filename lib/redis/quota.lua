-- Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
--
-- One step of the quota of one scope, atomic in Redis, by Redis's own clock. The rules are those of lib/limiter/core.c and throttle.c;
-- tests/redis/core.c puts the same schedules through both and compares every answer.
--
-- KEYS: 1 the scope's state, 2 the epoch: "NAME:UNTIL:SETTINGS", made by whoever first met an empty Redis
-- ARGV: 1 the epoch as the caller knows it, 2 its lifetime in ms, or 0: it need not be renewed now, 3 slots (N), 4 window in ms (W),
--       5 the step, then the step's own: "reserve" lease_ms ahead | "settle" id left_ms outcome retry_after_ms random | 
--       "query" ahead | "join" settings name lost
-- Answers: {1, ...} done; {0, reason, early_ms, late_ms} no slot; {-1} another epoch; {-3, ms} shut so long, since what was used before
-- Redis began is not known
--
-- The state is one string: a head with the epoch's name, what 429s have taught (if there was one), then the slots sorted by release, 8 bytes each: release,
-- and id * 4 + state. All times in it are relative to `base`. It is written for few and short new strings, which is what a script's
-- time goes into: the usual step makes one.

local HEAD, SHARE, SLOT, SLOT_LENGTH = '<c1c16dI4I4I4I4', '<ddddddd', '<I4I4', 8
local IN_FLIGHT, PASSED, REFUSED, LOST = 0, 1, 2, 3
local STRAY = 60000
local pack, unpack, sub = struct.pack, struct.unpack, string.sub

local time = redis.call('TIME')
local now = time[1] * 1000 + (time[2] - time[2] % 1000) / 1000
local raw = redis.call('GET', KEYS[1])
local name = sub(ARGV[1], 1, 16)

local N, W, step = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local held = W + 1000 + math.ceil(W / 2000) -- W'

-- -- the epoch

-- Takes the one that is there, or makes one. Where there was one and it is lost, or Redis may have held something before it was started,
-- what was used before must be thought of as still used.
if step == 'join' then
  local epoch = redis.call('GET', KEYS[2])
  if not epoch then
    local info, matters, unknown_until = redis.call('INFO'), held + STRAY, 0
    local up = string.match(info, 'uptime_in_seconds:(%d+)') * 1000
    if ARGV[8] == '1' then
      unknown_until = now + matters
    elseif up < matters and not string.find(info, 'aof_enabled:1', 1, true) then
      unknown_until = now - up + matters
    end
    epoch = ARGV[7] .. ':' .. string.format('%.0f', unknown_until) .. ':' .. ARGV[6]
    redis.call('SET', KEYS[2], epoch, 'PX', ARGV[2])
  end
  return {1, epoch}
end

-- -- the state

local kind, base, seen, last_id, passed, refusals, from = 'n', now, 0, 0, 0, 0, 1
local share, k, probe_id, probe_end, probe_at, shut, refused_at -- only of kind 'r'
local known_name
if raw then
  kind, known_name, base, seen, last_id, passed, refusals, from = unpack(HEAD, raw)
  if kind == 'r' then share, k, probe_id, probe_end, probe_at, shut, refused_at, from = unpack(SHARE, raw, from) end
end
-- A state of the epoch that the caller knows says all; else, and where its lifetime is to be renewed, the epoch itself is looked at.
if known_name ~= name or ARGV[2] ~= '0' then
  local epoch
  if ARGV[2] == '0' then epoch = redis.call('GET', KEYS[2]) else epoch = redis.call('GETEX', KEYS[2], 'PX', ARGV[2]) end
  if epoch ~= ARGV[1] then return {-1} end
  if not raw then -- only a scope without a state can have been lost
    local unknown_until = tonumber(string.match(epoch, ':(%d+):'))
    if now < unknown_until then return {-3, unknown_until - now} end
    raw = ''
  end
end

-- Redis's clock is a wall clock. Stepped back, no time has passed since the state was written: nothing frees early.
if now - base < seen then base = now - seen end
now = now - base
if now > 1073741824 then -- keep what is relative small
  local moved = {}
  for at = from, #raw, SLOT_LENGTH do
    local release, word = unpack(SLOT, raw, at)
    if release > now then moved[#moved + 1] = pack(SLOT, release - now, word) else moved[#moved + 1] = pack(SLOT, 0, word) end
  end
  raw, from = table.concat(moved), 1
  if kind == 'r' then probe_end, probe_at, shut, refused_at = probe_end - now, probe_at - now, shut - now, refused_at - now end
  base, now = base + now, 0
end

while from <= #raw do
  local release, word = unpack(SLOT, raw, from)
  if release > now then break end
  if word % 4 == PASSED then passed = passed - 1 elseif word % 4 == REFUSED then refusals = refusals - 1 end
  from = from + SLOT_LENGTH
end
local count = (#raw - from + 1) / SLOT_LENGTH
if kind == 'r' and count == 0 and now > refused_at + W + math.floor(W / 10) then kind = 'n' end

local function save(slots, idle)
  local head = pack(HEAD, kind, name, base, now, last_id, passed, refusals)
  if kind == 'r' then
    head = head .. pack(SHARE, share, k, probe_id, probe_end, probe_at, shut, refused_at)
    idle = math.max(idle, shut, probe_at, refused_at + W + W / 10)
  end
  redis.call('SET', KEYS[1], head .. slots, 'PX', math.ceil(idle - now) + 1000)
end

-- The place of a release among the slots up to `at`: behind all that are not later.
local function place(release, at)
  while at > from and unpack(SLOT, raw, at - SLOT_LENGTH) > release do at = at - SLOT_LENGTH end
  return at
end

-- -- decisions (what is not needed while slots are free and there was no 429 is made when it is)

local function decide(lease, ahead)
  if kind == 'n' and ahead < N - count then return true, false, 0, 0, 0 end

  local function slot(position) return unpack(SLOT, raw, from + position * SLOT_LENGTH) end

  local function slot_wait()
    local free = math.max(N - count, 0)
    if ahead < free then return 0, 0 end
    local again, position = math.min(math.floor(ahead / N), 100000), ahead % N
    local late = position < free and now or (slot(position - free))
    local early, soonest = late, now + held
    for i = count - 1, 0, -1 do
      if early <= soonest then break end
      local release, word = slot(i)
      if release <= soonest then break end
      if word % 4 == IN_FLIGHT then early = soonest end
    end
    return early + again * held - now, late + again * (held + STRAY + lease) - now
  end

  -- When the n-th slot is released of those that the platform may have let pass.
  local function release_of(n)
    for i = 0, count - 1 do
      local release, word = slot(i)
      if word % 4 ~= REFUSED then
        n = n - 1
        if n == 0 then return release end
      end
    end
    return 2 ^ 53
  end

  local function share_wait()
    local wanted, one = count - refusals + ahead, math.max(math.ceil(W / N), 1)
    local below, probing = wanted < share, probe_id ~= 0 and now < probe_end
    local early, late = now, now
    if not below then
      local release, behind = release_of(wanted - share + 1), math.min(ahead, 100000) * one
      early = math.max(now, probe_at)
      late = (probing and math.max(early, probe_end) or early) + behind
      early, late = math.min(early, release), math.min(late, release)
    end
    early, late = math.max(early, shut), math.max(late, shut)
    return early - now, late - now, not below and late <= now
  end

  local slot_early, slot_late = slot_wait()
  local share_early, share_late, probe, shared = 0, 0, false, true
  if kind == 'r' then
    share_early, share_late, probe = share_wait()
    shared = probe or share_late == 0
  end
  local reason = slot_early < slot_late and 2 or 0 -- EMQX_TLS_QUOTA_IN_FLIGHT
  if not shared and share_late >= slot_late then reason = 1 end -- EMQX_TLS_QUOTA_SHUT
  return slot_late == 0 and shared, probe, reason, math.max(slot_early, share_early), math.max(slot_late, share_late)
end

-- -- steps

if step == 'reserve' then
  local lease = tonumber(ARGV[6])
  local granted, probe, reason, early, late = decide(lease, tonumber(ARGV[7]))
  if not granted then return {0, reason, early, late} end
  last_id = last_id % 1048575 + 1
  local ended = now + lease + STRAY
  local release = ended + held
  if probe then probe_id, probe_end = last_id, ended end
  local at = place(release, #raw + 1)
  local slots = sub(raw, from, at - 1) .. pack(SLOT, release, last_id * 4 + IN_FLIGHT) .. sub(raw, at)
  save(slots, at > #raw and release or unpack(SLOT, raw, #raw - SLOT_LENGTH + 1))
  return {1, last_id, base + now}
end

if step == 'query' then
  local ahead = tonumber(ARGV[6])
  local granted, probe, reason, _, late = decide(0, 0)
  local remaining = granted and N - count or 0
  if granted and kind == 'r' then remaining = math.min(remaining, probe and 1 or share - (count - refusals)) end
  if ahead > 0 then granted, _, reason, _, late = decide(0, ahead) end
  return {1, count, remaining, late, granted and 0 or reason}
end

-- settle
local id, outcome = tonumber(ARGV[6]), tonumber(ARGV[8])
local at, release, word = #raw - SLOT_LENGTH + 1
while true do -- those in flight are at the end
  if at < from then return {1} end
  release, word = unpack(SLOT, raw, at)
  if release <= now + held then return {1} end
  if word == id * 4 + IN_FLIGHT then break end
  at = at - SLOT_LENGTH
end
local last = unpack(SLOT, raw, #raw - SLOT_LENGTH + 1)
if kind == 'r' and probe_id == id then probe_id = 0 end
if outcome == 1 then -- EMQX_TLS_OUTCOME_NOT_SENT
  save(sub(raw, from, at - 1) .. sub(raw, at + SLOT_LENGTH), last)
  return {1}
end

local ended, state = now, LOST
if outcome == 2 then -- EMQX_TLS_OUTCOME_ANSWERED
  state = PASSED
  passed = passed + 1
  if kind == 'r' then share = math.max(share, passed) end
elseif outcome == 3 then -- EMQX_TLS_OUTCOME_REFUSED
  state = REFUSED
  refusals = refusals + 1
  local left, retry_after, random = tonumber(ARGV[7]) - base, tonumber(ARGV[9]), tonumber(ARGV[10])
  local known = kind == 'r' and left <= refused_at -- it left before the last 429 was seen
  share = kind == 'r' and math.min(share, passed) or passed
  if not known then
    if kind == 'n' then
      kind, k, probe_id, probe_end, probe_at, shut, refused_at = 'r', 0, 0, 0, 0, 0, now
    elseif left > refused_at + W + math.floor(W / 10) then
      k = 0
    end
    local function jitter(ms) return ms + math.floor(math.floor(ms / 10) * random / 4294967296) end
    local one = math.max(math.ceil(W / N), 1)
    local block = one
    if retry_after ~= -1 then block = retry_after < 0 and W or math.min(retry_after, W) end
    local probe = math.min(math.max(k == 0 and block or one * 2 ^ k, block), W)
    refused_at, shut, probe_at = now, math.max(shut, now + jitter(block)), math.max(probe_at, now + jitter(probe))
    k = math.min(k + 1, 31)
  end
else
  ended = now + STRAY
end
release = math.min(release, ended + held)
local new = place(release, at)
save(sub(raw, from, new - 1) .. pack(SLOT, release, id * 4 + state) .. sub(raw, new, at - 1) .. sub(raw, at + SLOT_LENGTH), last)
return {1}
