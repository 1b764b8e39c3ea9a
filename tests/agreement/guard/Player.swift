import Foundation

class Player {
    var songs: [String] = []

    func next(after name: String, shuffled: Bool) -> String {
        for song in songs {
            if song == name && !shuffled {
                return song
            } else if song.isEmpty || shuffled {
                continue
            }
        }
        return songs.isEmpty ? name : songs[0]
    }

    func kind(_ code: Int) -> String {
        switch code {
        case 1:
            return "song"
        case 2, 3:
            return "talk"
        default:
            return "none"
        }
    }

    func load(_ path: String) -> Int {
        guard path.count > 3 else { return 0 }
        var tries = 0
        while tries < 3 {
            do {
                return try open(path)
            } catch {
                tries += 1
            }
        }
        return tries
    }
}
