#!/usr/bin/python3
"""RTSP servers made of Debian's gst-rtsp-server: cameras that nobody of this project wrote.

Reads one line of JSON from standard input: {"port": 0 or a number, "user": "...", "password": "..."}; the password stands
there because arguments are public. Writes one line of JSON to standard output when it listens: {"port": number,
"mounts": {name: path}, "protectedPort": number, "protectedMounts": {name: path}}. Ends when standard input ends or its parent dies.

With --check it only says whether everything it needs is there: a line of JSON {"missing": [...], "h265": true or false}.
"""
import ctypes
import json
import signal
import sys

missing = []
try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtsp", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtsp, GstRtspServer

    Gst.init(None)
    ELEMENTS = {
        "videotestsrc": "gstreamer1.0-plugins-base",
        "alawenc": "gstreamer1.0-plugins-good",
        "rtph264pay": "gstreamer1.0-plugins-good",
        "x264enc": "gstreamer1.0-plugins-ugly",
    }
    missing += sorted({package for name, package in ELEMENTS.items() if Gst.ElementFactory.find(name) is None})
except (ImportError, ValueError):
    missing.append("python3-gi gir1.2-gst-rtsp-server-1.0")

GOP = 20
FPS = 20


def picture(width, height):
    return (
        "videotestsrc is-live=true pattern=ball "
        f"! capsfilter name=size caps=video/x-raw,format=I420,width={width},height={height},framerate={FPS}/1 "
    )


H264 = (
    f"! x264enc tune=zerolatency sliced-threads=false speed-preset=ultrafast key-int-max={GOP} bitrate=800 "
    "! h264parse ! rtph264pay name=pay0 pt=96 config-interval=-1 "
)
# Four slices to a picture; the payloader repeats the parameter sets in front of each slice of a keyframe.
SLICED = H264.replace("sliced-threads=false", "sliced-threads=true threads=4")
H265 = (
    f"! x265enc tune=zerolatency speed-preset=ultrafast key-int-max={GOP} bitrate=600 log-level=error "
    "! h265parse ! rtph265pay name=pay0 pt=96 config-interval=-1 "
)
G711 = (
    "audiotestsrc is-live=true wave=ticks ! audio/x-raw,rate=8000,channels=1 ! alawenc "
    "! rtppcmapay name=pay1 pt=8 "
)


def has_h265():
    return Gst.ElementFactory.find("x265enc") is not None and Gst.ElementFactory.find("rtph265pay") is not None


def factory(launch, protocols=None, permissions=None):
    made = GstRtspServer.RTSPMediaFactory()
    made.set_launch(f"( {launch} )")
    made.set_shared(True)
    if protocols is not None:
        made.set_protocols(protocols)
    if permissions is not None:
        made.set_permissions(permissions)
    return made


def change_size(_factory, media):
    """Switches between two sizes each three seconds: one encoder, new parameter sets in band."""
    caps = media.get_element().get_by_name("size")
    sizes = [(480, 270), (320, 240)]

    def switch():
        if media.get_status() not in (GstRtspServer.RTSPMediaStatus.PREPARED, GstRtspServer.RTSPMediaStatus.PREPARING):
            return False
        sizes.append(sizes.pop(0))
        width, height = sizes[0]
        caps.set_property(
            "caps", Gst.Caps.from_string(f"video/x-raw,format=I420,width={width},height={height},framerate={FPS}/1")
        )
        return True

    GLib.timeout_add(3000, switch)


def serve(port, mounts, auth=None):
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(str(port))
    if auth is not None:
        server.set_auth(auth)
    points = server.get_mount_points()
    for path, made in mounts.items():
        points.add_factory(path, made)
    if server.attach(None) == 0:
        sys.exit(f"port {port} is taken")
    return server


def digest(user, password):
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    token = GstRtspServer.RTSPToken()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, "viewer")
    auth.add_digest(user, password, token)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    return auth, permissions


def main():
    # The kernel ends us with our parent, also when that is killed.
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    wishes = json.loads(sys.stdin.readline())
    tcp = GstRtsp.RTSPLowerTrans.TCP
    udp = GstRtsp.RTSPLowerTrans.UDP
    mounts = {
        "/h264-pcma": factory(picture(640, 360) + H264 + G711),
        "/h264": factory(picture(640, 360) + H264),
        "/sliced": factory(picture(640, 360) + SLICED),
        "/tcp-only": factory(picture(320, 240) + H264, tcp),
        "/udp-only": factory(picture(320, 240) + H264, udp),
        "/resize": factory(picture(480, 270) + H264),
    }
    mounts["/resize"].connect("media-configure", change_size)
    if has_h265():
        mounts["/h265"] = factory(picture(480, 270) + H265)
    auth, permissions = digest(wishes["user"], wishes["password"])
    open_server = serve(wishes["port"], mounts)
    protected = {"/digest": factory(picture(640, 360) + H264, None, permissions)}
    protected_server = serve(0, protected, auth)
    loop = GLib.MainLoop()

    def on_input(channel, _condition):
        if not channel.readline():
            loop.quit()
            return False
        return True

    GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, on_input)
    answer = {
        "port": open_server.get_bound_port(),
        "mounts": {path[1:]: path for path in mounts},
        "protectedPort": protected_server.get_bound_port(),
        "protectedMounts": {path[1:]: path for path in protected},
    }
    print(json.dumps(answer), flush=True)
    loop.run()


if __name__ == "__main__":
    if "--check" in sys.argv:
        print(json.dumps({"missing": missing, "h265": not missing and has_h265()}))
    elif missing:
        sys.exit(f"not installed: {' '.join(missing)}")
    else:
        main()
