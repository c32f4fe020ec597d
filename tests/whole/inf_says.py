#!/usr/bin/python3
"""What an INF says against what a SYSTEM hive has: an INF reader of its own, and hivex.

usage: inf_says.py boot-drivers SYSTEM                       names of drivers that the boot loader starts
       inf_says.py check SYSTEM INF VERSION ARCH OEMNAME     differences, one a line; then "checked N values"
       inf_says.py staged SYSTEM INF VERSION ARCH OEMNAME    the same for a package that waits for its device
VERSION is MAJOR.MINOR.BUILD. Corpus INFs name their sections plainly, and so does this reader take them.
"""
import datetime, os, re, struct, sys, uuid
import hivex

KINDS = {0x0: 1, 0x1: 3, 0x10000: 7, 0x10001: 4, 0x20000: 2, 0x20001: 0}


def text_of(raw):
    for bom, name in ((b'\xff\xfe', 'utf-16-le'), (b'\xef\xbb\xbf', 'utf-8')):
        if raw.startswith(bom):
            return raw[len(bom):].decode(name)
    if raw[1:2] == b'\0':
        return raw.decode('utf-16-le')
    try:
        return raw.decode('utf-8')
    except UnicodeDecodeError:
        return raw.decode('latin-1')


def fields(line):
    """Fields between commas; quotes hold commas, doubled quotes are one."""
    out, word, quoted, i = [], '', False, 0
    while i < len(line):
        c = line[i]
        if c == '"':
            if quoted and line[i + 1:i + 2] == '"':
                word += '"'; i += 1
            else:
                quoted = not quoted
        elif c == ',' and not quoted:
            out.append(word.strip()); word = ''
        else:
            word += c if quoted or not c.isspace() or word else ''
        i += 1
    return out + [word.strip()]


class Inf:
    def __init__(self, path):
        self.sections, here, held = {}, None, ''
        for line in text_of(open(path, 'rb').read()).splitlines():
            line, quoted, kept = line.strip(), False, ''
            for c in line:
                quoted ^= c == '"'
                if c == ';' and not quoted:
                    break
                kept += c
            kept = held + kept.strip()
            if kept.endswith('\\') and not kept.startswith('['):
                held = kept[:-1]; continue
            held = ''
            if kept.startswith('['):
                here = self.sections.setdefault(kept[1:kept.index(']')].strip().lower(), [])
            elif kept and here is not None:
                here.append(kept)
        self.strings = {}
        for line in self.sections.get('strings', []):
            key, _, value = line.partition('=')
            self.strings[key.strip().lower()] = fields(value)[0]

    def put(self, text):
        return re.sub('%([^%]*)%', lambda m: '%' if not m[1] else self.strings.get(m[1].lower(), m[0]), text)

    def pairs(self, name):
        for line in self.sections.get(name.lower(), []):
            key, equal, value = line.partition('=')
            if equal:
                yield self.put(key.strip()), [self.put(field) for field in fields(value)]

    def lines(self, name):
        return [[self.put(field) for field in fields(line)] for line in self.sections.get(name.lower(), [])]

    def actual(self, name, arch):
        for end in ('.nt' + arch, '.nt', ''):
            if (name + end).lower() in self.sections:
                return name + end


def models(inf, version, arch):
    for _, maker in inf.pairs('Manufacturer'):
        best = None
        for decoration in maker[1:] or ['']:
            match = re.fullmatch(r'NT(x86|amd64|arm64|ia64)?((?:\.\w*)*)', decoration, re.I)
            if decoration and (not match or (match[1] or 'x86').lower() != arch):
                continue
            major, minor, product, _, build = ((match[2] if match else '').split('.')[1:] + [''] * 5)[:5]
            if product not in ('', '1', '0x1') or not decoration and arch != 'x86':
                continue
            low = tuple(int(part or 0) for part in (major, minor, build))
            if low <= version and (best is None or low >= best[0]):
                best = (low, maker[0] + ('.' + decoration if decoration else ''))
        if best:
            yield from (value for _, value in inf.pairs(best[1]))


def number(text):
    return int(text, 0) if text else 0


def data(kind, values):
    """The bytes of a value as the INF gives it."""
    if kind == 4:
        raw = [number(v) for v in values or ['0']]
        return struct.pack('<I', raw[0] & 0xFFFFFFFF) if len(raw) == 1 else bytes(raw)
    if kind in (1, 2):
        return (values[0] if values else '').encode('utf-16-le') + b'\0\0'
    if kind == 7:
        return b''.join(v.encode('utf-16-le') + b'\0\0' for v in values if v) + b'\0\0'
    return bytes(int(v, 16) for v in values if v)


STORAGE = ('{4D36E97B-E325-11CE-BFC1-08002BE10318}', '{4D36E96A-E325-11CE-BFC1-08002BE10318}')


class Hive:
    def __init__(self, path):
        self.hive = hivex.Hivex(path)
        self.set = 'ControlSet%03d' % struct.unpack('<I', self.value('Select', 'Current')[1])[0]
        self.found = self.wrong = 0

    def key(self, path):
        node = self.hive.root()
        for name in filter(None, path.split('\\')):
            node = node and self.hive.node_get_child(node, name)
        return node

    def value(self, path, name):
        node = self.key(path)
        for value in self.hive.node_values(node) if node else []:
            if self.hive.value_key(value).lower() == name.lower():
                return self.hive.value_value(value)

    def expect(self, path, name, kind, wanted, fits=None):
        found = self.value(path, name)
        self.found += 1
        good = found is not None and (kind is None or found[0] & 0xFFFF == kind)
        good = good and (fits(found[1]) if fits else wanted is None or found[1] == wanted)
        if not good:
            self.wrong += 1
            print('%s\\%s: expected %s %r, found %r' % (path, name, kind, wanted, found))


# Settings of a device that are kept as properties.
PROPERTIES = ('security', 'devicetype', 'exclusive', 'devicecharacteristics')


def add_reg(inf, hive, sections, relative, filters=None):
    for section in sections:
        for root, key, name, flags, *values in ((line + [''] * 4)[:max(4, len(line))] for line in inf.lines(section)):
            flags = number(flags)
            if flags & 0x10 or (not name and not values):
                continue
            if root.upper() == 'HKR' and not key and name.lower() in ('upperfilters', 'lowerfilters'):
                path = filters
                if not path:
                    continue
            elif root.upper() == 'HKR' and not key and filters is not None and name.lower() in PROPERTIES:
                continue
            elif root.upper() == 'HKR' and relative:
                path = relative + '\\' + key
            elif root.upper() == 'HKLM' and key.upper().startswith('SYSTEM\\CURRENTCONTROLSET\\'):
                path = hive.set + key[len('SYSTEM\\CurrentControlSet'):]
            else:
                continue
            kind = KINDS.get(flags & 0x30001, None)
            if flags & 0x8 and not kind == 4:
                wanted = values[0].encode('utf-16-le')
                hive.expect(path, name, 7, values, lambda raw, wanted=wanted: wanted in raw)
            else:
                hive.expect(path, name, kind, data(kind, values))


def check(hive, inf, version, arch, oem, name, starts):
    database = hive.key('DriverDatabase') is not None
    roots = [root for root in ('DriverDatabase',) if hive.key(root + '\\DriverInfFiles\\' + oem)]
    active = ((hive.value(roots[0] + '\\DriverInfFiles\\' + oem, 'Active' if starts else '') if roots else None) or (1, b''))[1]
    active = database and active.decode('utf-16-le').rstrip('\0')
    package = 'DriverDatabase\\DriverPackages\\%s' % active
    if database:
        described(hive, inf, package, oem, name)
    for install, *ids in models(inf, version, arch):
        section = inf.actual(install, arch)
        configuration = package + '\\Configurations\\' + section
        function = None
        for key, service in inf.pairs(section + '.Services') if starts else ():
            if key.lower() != 'addservice':
                continue
            name, flags, settings = (service + ['', ''])[:3]
            if number(flags) & 2:
                function = name
            said = dict((k.lower(), v) for k, v in inf.pairs(settings))
            path = hive.set + '\\Services\\' + name
            for word, value in (('servicetype', 'Type'), ('starttype', 'Start'), ('errorcontrol', 'ErrorControl')):
                hive.expect(path, value, 4, struct.pack('<I', number(said[word][0])))
            if 'loadordergroup' in said:
                hive.expect(path, 'Group', 1, data(1, said['loadordergroup']))
            file = said['servicebinary'][0].rsplit('\\', 1)[1].lower().encode('utf-16-le')
            hive.expect(path, 'ImagePath', 2, file, lambda raw: raw.lower().endswith(file + b'\0\0'))
            add_reg(inf, hive, [s for k, v in inf.pairs(settings) if k.lower() == 'addreg' for s in v], path)
        services = [key.lower() for key, _ in inf.pairs(section + '.Services')]
        if starts and 'needs' in services and 'addservice' not in services and inf_class(inf) in STORAGE:
            continue  # its service is named by an INF of Windows, which this guest does not have
        critical = '%s\\Control\\CriticalDeviceDatabase\\%s' % (hive.set, (ids or [''])[0].replace('\\', '#'))
        for extra, below in (('', None), ('.HW', active and configuration + '\\Device')) if starts else ():
            lists = [s for k, v in inf.pairs(section + extra) if k.lower() == 'addreg' for s in v]
            add_reg(inf, hive, lists, below, extra and (configuration if database else function and critical))
        for place, id in enumerate(filter(None, ids)):
            if database:
                flag = 1 if place == 0 else 2
                hive.expect('DriverDatabase\\DeviceIds\\' + id, oem, 3, flag, lambda raw: len(raw) == 4 and raw[0] & flag)
                if starts:
                    same = lambda raw: raw.decode('utf-16-le').rstrip('\0').lower() == section.lower()
                    hive.expect(package + '\\Descriptors\\' + id, 'Configuration', 1, section, same)
            elif function:
                path = '%s\\Control\\CriticalDeviceDatabase\\%s' % (hive.set, id.replace('\\', '#'))
                hive.expect(path, 'Service', 1, data(1, [function]))
                hive.expect(path, 'ClassGUID', 1, None, lambda raw: inf_class(inf) == raw.decode('utf-16-le').rstrip('\0').upper())


def described(hive, inf, package, oem, name):
    """What DriverDatabase tells of the package as a whole."""
    said = dict((k.lower(), v) for k, v in inf.pairs('Version'))
    hive.expect(package, '', 1, data(1, [oem]))
    hive.expect(package, 'InfName', 1, name, lambda raw: raw.decode('utf-16-le').rstrip('\0').lower() == name.lower())
    if 'provider' in said:
        hive.expect(package, 'Provider', 1, data(1, said['provider']))
    date, release = (said.get('driverver', ['01/01/1601']) + ['0'])[:2]
    month, day, year = (int(part) for part in re.split('[-/]', date))
    ticks = (datetime.date(year, month, day) - datetime.date(1601, 1, 1)).days * 86400 * 10**7
    parts = ([int(part) for part in release.split('.')] + [0] * 4)[:4]
    packed = sum(part << 48 - 16 * place for place, part in enumerate(parts))
    tail = uuid.UUID(said['classguid'][0]).bytes_le + struct.pack('<QQ', ticks, packed)
    hive.expect(package, 'Version', 3, tail, lambda raw: len(raw) == 48 and raw[8:40] == tail)
    hive.expect('DriverDatabase\\DeviceIds\\' + said['classguid'][0], oem, None, b'')


def inf_class(inf):
    return dict((k.lower(), v[0]) for k, v in inf.pairs('Version'))['classguid'].upper()


if __name__ == '__main__':
    hive = Hive(sys.argv[2])
    if sys.argv[1] == 'boot-drivers':
        services = hive.set + '\\Services'
        for node in hive.hive.node_children(hive.key(services)):
            name = hive.hive.node_name(node)
            if [(hive.value(services + '\\' + name, v) or (0, b''))[1] for v in ('Type', 'Start')] == [b'\1\0\0\0', b'\0\0\0\0']:
                print(name)
    else:
        _, mode, _, path, version, arch, oem = sys.argv
        check(hive, Inf(path), tuple(map(int, version.split('.'))), arch, oem, os.path.basename(path), mode == 'check')
        print('checked %d values' % hive.found)
        sys.exit(1 if hive.wrong else 0)
