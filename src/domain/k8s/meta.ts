/** Object metadata and the small pieces that all kinds share. */
import { Schema } from "effect"
import { bool, list, num, str, stringMap, strings, time } from "./fields.ts"

export const OwnerReference = Schema.Struct({
  apiVersion: Schema.String,
  kind: Schema.String,
  name: Schema.String,
  uid: Schema.String,
  controller: bool,
  blockOwnerDeletion: bool
})
export interface OwnerReference extends Schema.Schema.Type<typeof OwnerReference> {}

const metaFields = {
  generateName: str,
  namespace: str,
  uid: str,
  resourceVersion: str,
  generation: num,
  creationTimestamp: time,
  deletionTimestamp: time,
  deletionGracePeriodSeconds: num,
  labels: stringMap,
  annotations: stringMap,
  ownerReferences: list(OwnerReference),
  finalizers: strings
}

/** Metadata of an object that was read: it has a name. */
export const ObjectMeta = Schema.Struct({ ...metaFields, name: Schema.String })
export interface ObjectMeta extends Schema.Schema.Type<typeof ObjectMeta> {}

/** Metadata of a namespaced object with an identity, as pods have once they are accepted. */
export const NamespacedMeta = Schema.Struct({
  ...metaFields,
  name: Schema.String,
  namespace: Schema.String,
  uid: Schema.String
})
export interface NamespacedMeta extends Schema.Schema.Type<typeof NamespacedMeta> {}

export const LabelSelectorRequirement = Schema.Struct({ key: Schema.String, operator: Schema.String, values: strings })
export interface LabelSelectorRequirement extends Schema.Schema.Type<typeof LabelSelectorRequirement> {}

export const LabelSelector = Schema.Struct({ matchLabels: stringMap, matchExpressions: list(LabelSelectorRequirement) })
export interface LabelSelector extends Schema.Schema.Type<typeof LabelSelector> {}

/** A reference to an object of the same namespace. The name may be empty in very old objects. */
export const LocalObjectReference = Schema.Struct({ name: str })
export interface LocalObjectReference extends Schema.Schema.Type<typeof LocalObjectReference> {}

export const SecretReference = Schema.Struct({ name: str, namespace: str })
export interface SecretReference extends Schema.Schema.Type<typeof SecretReference> {}

export const ObjectReference = Schema.Struct({
  kind: str,
  namespace: str,
  name: str,
  uid: str,
  apiVersion: str,
  resourceVersion: str,
  fieldPath: str
})
export interface ObjectReference extends Schema.Schema.Type<typeof ObjectReference> {}

export const TypedLocalObjectReference = Schema.Struct({ apiGroup: str, kind: Schema.String, name: Schema.String })
export interface TypedLocalObjectReference extends Schema.Schema.Type<typeof TypedLocalObjectReference> {}

/** The condition form of the newer API groups (`metav1.Condition`). */
export const Condition = Schema.Struct({
  type: Schema.String,
  status: Schema.String,
  observedGeneration: num,
  lastTransitionTime: time,
  reason: str,
  message: str
})
export interface Condition extends Schema.Schema.Type<typeof Condition> {}

export const NodeSelectorRequirement = Schema.Struct({ key: Schema.String, operator: Schema.String, values: strings })
export interface NodeSelectorRequirement extends Schema.Schema.Type<typeof NodeSelectorRequirement> {}

export const NodeSelectorTerm = Schema.Struct({
  matchExpressions: list(NodeSelectorRequirement),
  matchFields: list(NodeSelectorRequirement)
})
export interface NodeSelectorTerm extends Schema.Schema.Type<typeof NodeSelectorTerm> {}

export const NodeSelector = Schema.Struct({ nodeSelectorTerms: Schema.Array(NodeSelectorTerm) })
export interface NodeSelector extends Schema.Schema.Type<typeof NodeSelector> {}

export const TopologySelectorTerm = Schema.Struct({
  matchLabelExpressions: list(Schema.Struct({ key: Schema.String, values: Schema.Array(Schema.String) }))
})
