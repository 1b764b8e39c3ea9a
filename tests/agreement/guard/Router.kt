package net

class Router(private val routes: List<Route>) {
    fun find(path: String, method: String?): Route? {
        for (route in routes) {
            if (route.path == path && (method == null || route.method == method)) {
                return route
            }
        }
        return null
    }

    fun status(code: Int): String {
        return when (code) {
            200 -> "ok"
            404 -> "none"
            else -> "other"
        }
    }

    fun open(path: String): Int {
        var tries = 0
        while (tries < 3) {
            try {
                return connect(path)
            } catch (reason: Exception) {
                tries += 1
            }
        }
        return tries
    }

    fun name(route: Route?): String {
        return route?.name ?: "nameless"
    }
}
