-- Health of a policy, by its conditions. A policy that found root access works as intended, so the health does not depend on the
-- findings. The message has them.
local hs = {}

if obj.metadata.deletionTimestamp ~= nil then
  hs.status = "Progressing"
  hs.message = "being deleted: notebooks that are down are brought back first"
  return hs
end

if obj.status == nil or obj.status.conditions == nil then
  hs.status = "Progressing"
  hs.message = "the operator has not reconciled the policy yet"
  return hs
end

if obj.status.observedGeneration ~= obj.metadata.generation then
  hs.status = "Progressing"
  hs.message = "the operator has not reconciled the latest change yet"
  return hs
end

local conditions = {}
for _, condition in ipairs(obj.status.conditions) do
  conditions[condition.type] = condition
end

local function is(kind, status)
  return conditions[kind] ~= nil and conditions[kind].status == status
end

local function message(kind)
  if conditions[kind] == nil then
    return "the policy has no condition " .. kind
  end
  return conditions[kind].message
end

if is("Stalled", "True") then
  hs.status = "Degraded"
  hs.message = message("Stalled")
elseif is("Reconciling", "True") then
  hs.status = "Progressing"
  hs.message = message("Reconciling")
elseif not is("Ready", "True") then
  -- Nothing could be read this time. The operator retries.
  hs.status = "Progressing"
  hs.message = message("Ready")
elseif conditions["Ready"].reason == "Suspended" then
  hs.status = "Suspended"
  hs.message = message("Ready")
else
  hs.status = "Healthy"
  hs.message = message("Compliant") .. "; " .. message("Ready")
end
return hs
