/** Environment variables for the services of a pod's namespace, from before there was cluster DNS (parity E2). */
import type { Service, ServicePort } from "../k8s/service.ts"

export type EnvEntry = readonly [name: string, value: string]

const variableName = (name: string): string => name.toUpperCase().replaceAll("-", "_")

const hostPort = (ip: string, port: number): string => ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`

const linkVariables = (prefix: string, ip: string, port: ServicePort): ReadonlyArray<EnvEntry> => {
  const protocol = port.protocol ?? "TCP"
  const name = `${prefix}_PORT_${port.port}_${protocol.toUpperCase()}`
  return [
    [name, `${protocol.toLowerCase()}://${hostPort(ip, port.port)}`],
    [`${name}_PROTO`, protocol.toLowerCase()],
    [`${name}_PORT`, `${port.port}`],
    [`${name}_ADDR`, ip]
  ]
}

const variablesOf = (service: Service): ReadonlyArray<EnvEntry> => {
  const prefix = variableName(service.metadata.name)
  const ip = service.spec?.clusterIP ?? ""
  const ports = service.spec?.ports ?? []
  const [first] = ports
  if (first === undefined) return [[`${prefix}_SERVICE_HOST`, ip]]
  const url = `${(first.protocol ?? "TCP").toLowerCase()}://${hostPort(ip, first.port)}`
  return [
    [`${prefix}_SERVICE_HOST`, ip],
    [`${prefix}_SERVICE_PORT`, `${first.port}`],
    ...ports
      .filter(({ name }) => name !== undefined && name !== "")
      .map((port): EnvEntry => [`${prefix}_SERVICE_PORT_${variableName(port.name ?? "")}`, `${port.port}`]),
    [`${prefix}_PORT`, url],
    ...ports.flatMap((port) => linkVariables(prefix, ip, port))
  ]
}

const hasClusterIp = ({ spec }: Service): boolean =>
  spec?.clusterIP !== undefined && spec.clusterIP !== "" && spec.clusterIP !== "None"

const masterNamespace = "default"
const masterService = "kubernetes"

/** The variables of all services that a pod of `namespace` sees, by service name. */
export const serviceEnv = (
  services: ReadonlyArray<Service>,
  pod: { readonly namespace: string; readonly enableServiceLinks: boolean }
): ReadonlyArray<EnvEntry> => {
  const visible = new Map<string, Service>()
  for (const service of services.filter(hasClusterIp)) {
    const { name, namespace } = service.metadata
    const own = namespace === pod.namespace && pod.enableServiceLinks
    const master = namespace === masterNamespace && name === masterService
    // A service of the pod's own namespace hides the API server's of the same name.
    if (own || (master && !visible.has(name))) visible.set(name, service)
  }
  const names = [...visible.keys()].sort()
  return names.flatMap((name) => {
    const service = visible.get(name)
    return service === undefined ? [] : variablesOf(service)
  })
}
