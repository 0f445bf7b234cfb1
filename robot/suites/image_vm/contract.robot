*** Settings ***
Documentation       What an image VM has in it, item by item, asked inside the booted guest.
...
...                 tools/image-vm/check asks the same without a server, and with more NICs.
Resource            image_vm.resource
Library             ../../libraries/GuestSerial.py
Suite Setup         Start An Image VM Between Two Ports
Suite Teardown      Stop What Runs


*** Variables ***
${IMAGE}        ${CURDIR}/../../../build/image-vm


*** Test Cases ***
The Agent Is On Its Serial Port
    Guest Says    TRANSPORT=isa-serial:/dev/ttyS1    grep    ^TRANSPORT=
    ...    /etc/init.d/qemu-guest-agent
    ${answer}=    Guest Agent Command    ${VM}    guest-info
    Should Not Be Empty    ${answer}[version]
    Should Be True    ${INFO}[agent]

SSH Answers User Cisco
    Should Be Equal    ${INFO}[username]    cisco
    Should Be Equal    ${INFO}[password]    cisco
    Should Be Equal As Integers    ${INFO}[port]    ${10021 + 9}
    Guest Says    cisco    id    -un
    Guest Says    0    sudo    -n    id    -u

The Console Is On Its Serial Port
    Expect On VM Console    ${VM}    login:
    Write To VM Console    ${VM}    cisco\n
    Expect On VM Console    ${VM}    [Pp]assword:
    Write To VM Console    ${VM}    cisco\n
    Expect On VM Console    ${VM}    ^[$]( |$)
    Write To VM Console    ${VM}    tty; echo user=$(id -un)\n
    Expect On VM Console    ${VM}    ^/dev/ttyS0
    Expect On VM Console    ${VM}    ^user=cisco
    Write To VM Console    ${VM}    exit\n

A Console Is On The Serial TCP Port Too
    Type On Serial Port    ${INFO}[serial]    \n    login:
    Type On Serial Port    ${INFO}[serial]    cisco\n    [Pp]assword:
    Type On Serial Port    ${INFO}[serial]    cisco\n    [$] ?$
    Type On Serial Port    ${INFO}[serial]    echo tty=$(tty)\n    tty=/dev/ttyS2
    Type On Serial Port    ${INFO}[serial]    exit\n    login:

Interfaces Are Named By Driver In PCI Order
    Should Be Equal    ${INFO}[interfaces][vhost1][name]    virtio0
    Should Be Equal    ${INFO}[interfaces][vhost2][name]    virtio1
    @{interfaces}=    Get VM Interfaces    ${VM}
    ${names}=    Evaluate    {i['name']: i.get('hardware-address') for i in $interfaces}
    Should Be Equal    ${names}[virtio0]    52:54:00:00:09:01
    Should Be Equal    ${names}[virtio1]    52:54:00:00:09:02
    Dictionary Should Contain Key    ${names}    mgmt0
    Guest Says    ../../../bus/pci/drivers/e1000    readlink
    ...    /sys/class/net/mgmt0/device/driver    contains=e1000

An Interface That Is Plugged Gets Its Name
    Start Host Testpmd    ${DIRECTORY}/3    name=third
    ${interfaces}=    Configure Vhost Interfaces    ${VM}    ${DIRECTORY}/3
    Should Be Equal    ${interfaces}[vhost3][connected]    ${True}
    ${info}=    Get VM Info    ${VM}
    Should Be Equal    ${info}[interfaces][vhost3][name]    virtio2
    Should Be Equal    ${info}[interfaces][vhost1][name]    virtio0
    Remove Vhost Interface    ${VM}    vhost3
    [Teardown]    Stop Host Testpmd    third

Programs Are There
    FOR    ${program}    IN    brctl    ip    bridge    dpdk-testpmd    l3fwd    iperf3    sshd
    ...    qemu-ga    sudo    vhostel-run
        ${found}=    Execute In VM    ${VM}    which    ${program}
        Should Be Equal As Integers    ${found}[rc]    0    ${program} is missing
    END
    Guest Says    iperf 3    iperf3    --version
    Guest Says    bridge-utils    brctl    --version

Virtio Drivers Are There
    FOR    ${module}    IN    virtio_net    virtio_blk    virtio_console    uio_pci_generic
    ...    vfio-pci    bridge
        ${loaded}=    Execute In VM    ${VM}    sudo    -n    modprobe    ${module}
        Should Be Equal As Integers    ${loaded}[rc]    0    ${loaded}[stderr]
    END

Version And Packages Are Inside And Beside
    FOR    ${file}    IN    VERSION    packages
        ${inside}=    Execute In VM    ${VM}    cat    /etc/vhostel/${file}
        ${beside}=    Get File    ${IMAGE}/${file}
        Should Be Equal    ${inside}[stdout]    ${beside}
        Should Not Be Empty    ${beside}
    END

No Service Runs That Nothing Needs
    ${services}=    Execute In VM    ${VM}    sudo    -n    sh    -c
    ...    for p in /proc/[0-9]*; do readlink $p/exe; done | sort -u
    Log    ${services}[stdout]
    @{programs}=    Split To Lines    ${services}[stdout]
    ${wanted}=    Evaluate
    ...    {'busybox', 'dash', 'lksh', 'sshd', 'qemu-ga', 'sudo', 'readlink', 'sort', 'uniq'}
    FOR    ${program}    IN    @{programs}
        ${name}=    Evaluate    $program.rsplit('/', 1)[-1]
        Should Contain    ${wanted}    ${name}
    END

The Image Is Small And Stays As It Is
    ${allocated}=    Evaluate    os.stat(r'${IMAGE}/vhostel.img').st_blocks * 512 / 2**20    os
    Log    ${allocated} MiB allocated    console=True
    Should Be True    ${allocated} < 150
    ${before}=    Evaluate    os.stat(r'${IMAGE}/vhostel.img').st_mtime_ns    os
    Execute In VM    ${VM}    sudo    -n    sh    -c    echo changed > /etc/hostname; sync
    ${after}=    Evaluate    os.stat(r'${IMAGE}/vhostel.img').st_mtime_ns    os
    Should Be Equal    ${before}    ${after}

It Boots As A Plain Disk Too
    Kill VM    ${VM}
    ${info}=    Start Image VM    plain    direct_boot=False    qemu_id=9
    Log    Ready ${info}[boot_time][ready] s after the call    console=True
    Should Not Contain    ${info}[command_line]    -kernel
    ${file}=    Execute In VM    plain    cat    /etc/hostname
    Should Be Equal    ${file}[stdout]    vhostel\n
    Stop VM    plain


*** Keywords ***
Guest Says
    [Arguments]    ${expected}    @{command}    ${contains}=${expected}
    ${result}=    Execute In VM    ${VM}    @{command}
    Should Contain    ${result}[stdout]    ${contains}
    Should Be Equal As Integers    ${result}[rc]    0
