/** The D-Bus library, loaded by the nodes whose groups systemd makes and by no other. */
import * as dbus from "dbus-native"

export { dbus }
