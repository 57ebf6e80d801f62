-- Health of a record. Degraded means that a person should look at it.
local hs = {}

if obj.metadata.deletionTimestamp ~= nil then
  hs.status = "Progressing"
  hs.message = "being deleted: the notebook is brought back first"
  return hs
end

if obj.status == nil or obj.status.conditions == nil then
  hs.status = "Progressing"
  hs.message = "the operator has not processed the record yet"
  return hs
end

local conditions = {}
for _, condition in ipairs(obj.status.conditions) do
  conditions[condition.type] = condition
end

local function is(kind)
  return conditions[kind] ~= nil and conditions[kind].status == "True"
end

if is("Stalled") then
  hs.status = "Degraded"
elseif is("Ready") then
  hs.status = "Healthy"
else
  hs.status = "Progressing"
end
hs.message = (obj.status.state or "Pending") .. ": " .. (obj.status.message or "the record has no message")
return hs
